#include "tests/bench/relay/twins.hpp"

#include "kernel/base/clock.hpp"
#include "kernel/base/random.hpp"
#include "kernel/ledger/embedded/embedded_ledger.hpp"
#include "kernel/rmb/token.hpp"

namespace trellis::bench {

crypto::Signer SignerOf(std::uint32_t twin) {
  crypto::Seed seed;
  seed.data()[0] = 7;
  for (std::size_t i = 0; i < sizeof twin; ++i)
    seed.data()[1 + i] = static_cast<std::uint8_t>(twin >> (8 * i));
  return crypto::Signer::FromSeed(crypto::KeyType::kEd25519, seed.view());
}

Result<void> AddTwins(std::string const& ledger, std::string const& relay) {
  TRELLIS_TRY(auto const opened, ledger::EmbeddedLedger::Open(ledger));
  ledger::ImportData data;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    ledger::ImportTwin twin;
    twin.id = kFirst + i;
    twin.account.bytes = SignerOf(twin.id).public_key();
    twin.relay = relay;
    data.twins.push_back(twin);
  }
  TRELLIS_CHECK(opened->Import(data));
  return {};
}

std::string TokenOf(std::uint32_t twin, std::string const& session) {
  constexpr std::int64_t kLife = 600;
  auto const now = SystemClock().UnixSeconds();
  return rmb::MakeToken({twin, now, now + kLife, session}, SignerOf(twin));
}

std::string RequestBytes(rmb::Address const& from, rmb::Address const& to, std::size_t bytes,
                         bool good) {
  rmb::Envelope envelope;
  envelope.uid = RandomUuid();
  envelope.timestamp = static_cast<std::uint64_t>(SystemClock().UnixSeconds());
  envelope.expiration = 600;
  envelope.source = from;
  envelope.destination = to;
  envelope.message = rmb::Request{"zos.system.version"};
  envelope.schema = "application/json";
  envelope.payload = rmb::Plain{std::string(bytes, 'x')};
  rmb::SignEnvelope(envelope, SignerOf(good ? from.twin : from.twin + 1));
  return rmb::SerializeEnvelope(envelope);
}

}  // namespace trellis::bench
