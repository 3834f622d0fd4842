#include "tools/load/twin.hpp"

#include "kernel/crypto/hash.hpp"
#include "kernel/rmb/token.hpp"

#include <fmt/format.h>

#include <chrono>

namespace trellis::load {
namespace {

constexpr std::uint32_t kFirstEd = 1'000'000;
constexpr std::uint32_t kFirstSr = 2'000'000;
constexpr std::int64_t kTokenLife = 1000;
constexpr std::uint64_t kRequestLife = 1800;  // as long as a peer lets a request live

std::int64_t UnixNow() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Twin Twin::Make(std::uint32_t number, crypto::KeyType type) {
  auto const seed = crypto::Blake2b256(crypto::AsBytes(fmt::format("trellis-load {}", number)));
  auto const first = type == crypto::KeyType::kSr25519 ? kFirstSr : kFirstEd;
  return Twin{first + number, crypto::Signer::FromSeed(type, seed)};
}

std::string Twin::Token() const {
  rmb::TokenClaims claims;
  claims.sub = id;
  claims.iat = UnixNow();
  claims.exp = claims.iat + kTokenLife;
  return rmb::MakeToken(claims, signer);
}

std::string Twin::Request(std::uint32_t node, std::string uid, std::string command,
                          std::string payload) const {
  rmb::Envelope envelope;
  envelope.uid = std::move(uid);
  envelope.timestamp = static_cast<std::uint64_t>(UnixNow());
  envelope.expiration = kRequestLife;
  envelope.source = rmb::Address{id, std::nullopt};
  envelope.destination = rmb::Address{node, std::nullopt};
  envelope.message = rmb::Request{std::move(command)};
  envelope.schema = "application/json";
  envelope.payload = rmb::Plain{std::move(payload)};
  rmb::SignEnvelope(envelope, signer);
  return rmb::SerializeEnvelope(envelope);
}

}  // namespace trellis::load
