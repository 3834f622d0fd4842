// The wire format against bytes that existing clients made.
#include "kernel/rmb/envelope.hpp"
#include "kernel/rmb/relay/router.hpp"
#include "kernel/rmb/token.hpp"
#include "tests/golden/vectors.hpp"

#include <gtest/gtest.h>

#include <map>

namespace trellis::rmb {
namespace {

using golden::ReadVectors;
using golden::Text;

std::string Bytes(boost::json::value const& row, std::string_view key) {
  return std::string(crypto::AsText(crypto::FromHex(Text(row, key)).value()));
}

/// Public keys by name.
std::map<std::string, crypto::Bytes> Keys(boost::json::object const& file) {
  std::map<std::string, crypto::Bytes> keys;
  for (auto const& row : file.at("keys").as_array())
    keys[Text(row, "name")] = crypto::FromHex(Text(row, "public")).value();
  return keys;
}

TEST(RmbVectors, EnvelopesParseWithTheirChallengeAndSignature) {
  auto const file = ReadVectors("rmb.json");
  auto const keys = Keys(file);
  for (auto const& row : file.at("envelopes").as_array()) {
    SCOPED_TRACE(Text(row, "name"));
    auto const envelope = ParseEnvelope(Bytes(row, "envelope"));
    ASSERT_TRUE(envelope) << envelope.error().message;
    EXPECT_EQ(crypto::Hex(Challenge(*envelope)), Text(row, "challenge"));
    EXPECT_EQ(CheckSignature(*envelope, keys.at(Text(row, "from"))).has_value(),
              row.at("verify").as_bool());
    EXPECT_EQ(envelope->uid, Text(row.at("fields"), "uid"));
  }
}

TEST(RmbVectors, EnvelopesSurviveWritingAndReading) {
  auto const file = ReadVectors("rmb.json");
  for (auto const& row : file.at("envelopes").as_array()) {
    SCOPED_TRACE(Text(row, "name"));
    auto const first = ParseEnvelope(Bytes(row, "envelope")).value();
    auto const second = ParseEnvelope(SerializeEnvelope(first));
    ASSERT_TRUE(second);
    EXPECT_EQ(SerializeEnvelope(*second), SerializeEnvelope(first));
    EXPECT_EQ(Challenge(*second), Challenge(first));
    EXPECT_EQ(second->signature, first.signature);
  }
}

TEST(RmbVectors, ChangedEnvelopesVerifyOnlyWhereTheFormatLetsThem) {
  auto const file = ReadVectors("rmb.json");
  auto const keys = Keys(file);
  for (auto const& row : file.at("mutations").as_array()) {
    SCOPED_TRACE(Text(row, "name"));
    auto const envelope = ParseEnvelope(Bytes(row, "envelope"));
    bool const good = envelope && CheckSignature(*envelope, keys.at(Text(row, "from")));
    EXPECT_EQ(good, row.at("verify").as_bool());
  }
}

TEST(RmbVectors, TruncatedEnvelopesNeverReadBeyondTheirEnd) {
  auto const file = ReadVectors("rmb.json");
  for (auto const& row : file.at("envelopes").as_array()) {
    auto const bytes = Bytes(row, "envelope");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      std::string const part(bytes, 0,
                             size);  // a copy of its own, so that the sanitizer sees its end
      (void)ParseEnvelope(part);
    }
  }
  SUCCEED();
}

TEST(RmbVectors, TokensVerifyAsStated) {
  constexpr std::int64_t kWithinLife = 1732000010;
  auto const file = ReadVectors("rmb.json");
  auto const keys = Keys(file);
  for (auto const& row : file.at("jwt").as_array()) {
    SCOPED_TRACE(Text(row, "name"));
    auto const token = ParseToken(Text(row, "token"));
    bool const good = token && CheckToken(*token, keys.at(Text(row, "key")), kWithinLife, 30);
    EXPECT_EQ(good, row.at("verify").as_bool());
  }
}

TEST(RmbVectors, TokensExpireWithTheirLeeway) {
  auto const file = ReadVectors("rmb.json");
  auto const keys = Keys(file);
  auto const& row = file.at("jwt").as_array().front();
  auto const token = ParseToken(Text(row, "token")).value();
  auto const& key = keys.at(Text(row, "key"));

  EXPECT_TRUE(CheckToken(token, key, token.claims.exp + 30, 30));
  EXPECT_FALSE(CheckToken(token, key, token.claims.exp + 31, 30));
}

class NoTwins final : public TwinDirectory {
 public:
  Result<TwinInfo> Twin(std::uint32_t id) override {
    return Fail(Code::kNotFound, "no twin {}", id);
  }
};

TEST(RmbVectors, PingsBecomePongs) {
  constexpr std::int64_t kNow = 1732000025;
  auto const file = ReadVectors("rmb.json");
  for (auto const& row : file.at("pings").as_array()) {
    RelayOptions const options;
    NoTwins twins;
    Address const session{219, "sess-1"};
    MessageRouter router(options, twins,
                         {[](Address const&) { return false; }, [](Address const&) {}});

    ASSERT_TRUE(router.Route(session, Bytes(row, "ping"), kNow));

    auto const queued = router.queues().Front(session, kNow);
    ASSERT_NE(queued, nullptr);
    auto const ping = ParseEnvelope(Bytes(row, "ping")).value();
    auto const pong = ParseEnvelope(queued->bytes).value();
    EXPECT_TRUE(std::holds_alternative<Pong>(pong.message));
    EXPECT_EQ(pong.uid, ping.uid);
    EXPECT_EQ(pong.timestamp, ping.timestamp);
    EXPECT_EQ(pong.expiration, ping.expiration);
    EXPECT_EQ(pong.destination, ping.source);
    EXPECT_EQ(pong.source, ping.destination);
    EXPECT_EQ(pong.payload_bytes(), "hello world");
  }
}

}  // namespace
}  // namespace trellis::rmb
