#include "tests/support/bus/twins.hpp"

#include "kernel/crypto/e2e.hpp"
#include "kernel/rmb/token.hpp"

namespace trellis::testing {

using rmb::TwinInfo;

Result<TwinInfo> BusTwins::Twin(std::uint32_t id) {
  ++lookups_;
  if (away_) return Fail(Code::kUnavailable, "the ledger is away");
  std::lock_guard const lock(mutex_);
  auto const found = twins_.find(id);
  if (found == twins_.end()) return Fail(Code::kNotFound, "no twin {}", id);
  return found->second;
}

crypto::Seed BusTwins::SeedOf(std::uint32_t id, std::uint8_t seed) {
  crypto::Seed out;
  out.data()[0] = 1;
  out.data()[1] = seed;
  for (std::size_t i = 0; i < sizeof id; ++i)
    out.data()[2 + i] = static_cast<std::uint8_t>(id >> (8 * i));
  return out;
}

crypto::Signer BusTwins::SignerOf(std::uint32_t id, crypto::KeyType type) {
  return crypto::Signer::FromSeed(type, SeedOf(id).view());
}

rmb::Identity BusTwins::IdentityOf(std::uint32_t id, std::optional<std::string> session,
                                   bool encrypts) {
  rmb::Identity identity{id, std::move(session), SignerOf(id), std::nullopt, {}};
  if (encrypts) identity.seed = SeedOf(id);
  return identity;
}

void BusTwins::Add(std::uint32_t id, std::string relay, bool encrypts) {
  std::lock_guard const lock(mutex_);
  TwinInfo twin;
  twin.id = id;
  twin.account = SignerOf(id).public_key();
  twin.relay = std::move(relay);
  if (encrypts) twin.pk = crypto::PublicKeyOf(SeedOf(id).view()).value();
  twins_[id] = twin;
}

void BusTwins::SetRelay(std::uint32_t id, std::optional<std::string> relay) {
  std::lock_guard const lock(mutex_);
  twins_.at(id).relay = std::move(relay);
}

void BusTwins::ChangeKey(std::uint32_t id, std::uint8_t seed) {
  std::lock_guard const lock(mutex_);
  auto const signer = crypto::Signer::FromSeed(crypto::KeyType::kEd25519, SeedOf(id, seed).view());
  twins_.at(id).account = signer.public_key();
}

void BusTwins::ChangePk(std::uint32_t id, std::uint8_t seed) {
  std::lock_guard const lock(mutex_);
  twins_.at(id).pk = crypto::PublicKeyOf(SeedOf(id, seed).view()).value();
}

std::string TokenOf(std::uint32_t twin, std::optional<std::string> session, std::int64_t now) {
  constexpr std::int64_t kLife = 60;
  rmb::TokenClaims const claims{twin, now, now + kLife, std::move(session)};
  return rmb::MakeToken(claims, BusTwins::SignerOf(twin));
}

rmb::Envelope RequestOf(rmb::Address const& from, rmb::Address const& to, std::string const& uid,
                        std::int64_t now) {
  rmb::Envelope envelope;
  envelope.uid = uid;
  envelope.timestamp = static_cast<std::uint64_t>(now);
  envelope.expiration = 60;
  envelope.source = from;
  envelope.destination = to;
  envelope.message = rmb::Request{"test.command"};
  envelope.schema = "application/json";
  envelope.payload = rmb::Plain{"{}"};
  return envelope;
}

std::string SignedBytes(rmb::Envelope envelope) {
  rmb::SignEnvelope(envelope, BusTwins::SignerOf(envelope.source->twin));
  return rmb::SerializeEnvelope(envelope);
}

}  // namespace trellis::testing
