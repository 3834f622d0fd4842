// The message bus against bytes that existing clients made.
#include "kernel/crypto/e2e.hpp"
#include "kernel/rmb/envelope.hpp"
#include "kernel/rmb/relay/router.hpp"
#include "kernel/rmb/token.hpp"
#include "tests/golden/vectors.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <variant>

namespace trellis::golden {
namespace {

using rmb::Envelope;

constexpr char const* kFile = "rmb.json";

std::string RawMember(Row const& row, std::string_view key) {
  return std::string(crypto::AsText(HexMember(row, key)));
}

Row const& KeyNamed(std::string const& name) {
  for (auto const& key : Rows(kFile, "keys")) {
    if (Text(key, "name") == name) return key;
  }
  throw std::runtime_error("no key '" + name + "'");
}

std::string_view KindOf(Envelope const& envelope) {
  struct Visitor {
    std::string_view operator()(std::monostate) const { return "none"; }
    std::string_view operator()(rmb::Request const&) const { return "request"; }
    std::string_view operator()(rmb::Response const&) const { return "response"; }
    std::string_view operator()(rmb::ErrorReport const&) const { return "error"; }
    std::string_view operator()(rmb::Ping const&) const { return "ping"; }
    std::string_view operator()(rmb::Pong const&) const { return "pong"; }
  };
  return std::visit(Visitor{}, envelope.message);
}

void ExpectAddress(Row const& expected, std::optional<rmb::Address> const& got) {
  if (expected.is_null()) {
    EXPECT_FALSE(got.has_value());
    return;
  }
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->twin, expected.at("twin").to_number<std::uint32_t>());
  EXPECT_EQ(got->connection.has_value(), Member(expected, "connection").is_string());
  EXPECT_EQ(got->connection.value_or(""), Text(expected, "connection"));
}

void ExpectMessage(Row const& fields, Envelope const& envelope) {
  EXPECT_EQ(KindOf(envelope), Text(fields, "kind"));
  if (auto const* request = std::get_if<rmb::Request>(&envelope.message)) {
    EXPECT_EQ(request->command, Text(fields, "command"));
  }
  if (auto const* error = std::get_if<rmb::ErrorReport>(&envelope.message)) {
    EXPECT_EQ(error->code, fields.at("code").to_number<std::uint32_t>());
    EXPECT_EQ(error->message, Text(fields, "message"));
  }
}

void ExpectFields(Row const& fields, Envelope const& envelope) {
  EXPECT_EQ(envelope.uid, Text(fields, "uid"));
  EXPECT_EQ(envelope.tags.value_or(""), Text(fields, "tags"));
  EXPECT_EQ(envelope.timestamp, fields.at("timestamp").to_number<std::uint64_t>());
  EXPECT_EQ(envelope.expiration, fields.at("expiration").to_number<std::uint64_t>());
  ExpectAddress(Member(fields, "source"), envelope.source);
  ExpectAddress(Member(fields, "destination"), envelope.destination);
  ExpectMessage(fields, envelope);
  EXPECT_EQ(envelope.schema.value_or(""), Text(fields, "schema"));
  EXPECT_EQ(envelope.federation.value_or(""), Text(fields, "federation"));
  EXPECT_EQ(std::holds_alternative<rmb::Cipher>(envelope.payload),
            Text(fields, "payload_kind") == "cipher");
  EXPECT_EQ(crypto::Hex(crypto::AsBytes(envelope.payload_bytes())), Text(fields, "payload"));
  boost::json::array relays(envelope.relays.begin(), envelope.relays.end());
  EXPECT_EQ(relays, Member(fields, "relays").as_array());
}

// The plain text, which an encrypted payload gives up to the receiver's seed.
void ExpectPlainText(Row const& row, Envelope const& envelope) {
  auto payload = crypto::Bytes();
  auto const bytes = crypto::AsBytes(envelope.payload_bytes());
  payload.assign(bytes.begin(), bytes.end());
  if (std::holds_alternative<rmb::Cipher>(envelope.payload)) {
    auto const seed = Hex32(Text(KeyNamed(Text(row, "to")), "seed"));
    auto const sender = HexMember(KeyNamed(Text(row, "from")), "e2e_public");
    payload = crypto::Open(crypto::Agree(seed, sender).value(), payload).value();
  }
  EXPECT_EQ(crypto::Hex(payload), Text(row, "plain_text"));
}

TEST(Envelopes, ParseWithTheirFieldsChallengeAndSignature) {
  ForEach(kFile, "envelopes", [](Row const& row) {
    auto const envelope = rmb::ParseEnvelope(RawMember(row, "envelope"));
    ASSERT_TRUE(envelope) << envelope.error().message;
    ExpectFields(row.at("fields"), *envelope);
    ExpectPlainText(row, *envelope);
    EXPECT_EQ(crypto::Hex(rmb::Challenge(*envelope)), Text(row, "challenge"));
    EXPECT_EQ(crypto::Hex(crypto::AsBytes(envelope->signature.value_or(""))),
              Text(row, "signature"));
    auto const key = Hex32(Text(KeyNamed(Text(row, "from")), "public"));
    EXPECT_EQ(rmb::CheckSignature(*envelope, key).has_value(), Flag(row, "verify"));
  });
}

TEST(Envelopes, SurviveWritingAndReading) {
  ForEach(kFile, "envelopes", [](Row const& row) {
    auto const first = rmb::ParseEnvelope(RawMember(row, "envelope")).value();
    auto const second = rmb::ParseEnvelope(rmb::SerializeEnvelope(first));
    ASSERT_TRUE(second);
    ExpectFields(row.at("fields"), *second);
    EXPECT_EQ(rmb::SerializeEnvelope(*second), rmb::SerializeEnvelope(first));
    EXPECT_EQ(rmb::Challenge(*second), rmb::Challenge(first));
    EXPECT_EQ(second->signature, first.signature);
  });
}

TEST(Envelopes, VerifyOnlyWhereTheFormatLetsThemWhenChanged) {
  ForEach(kFile, "mutations", [](Row const& row) {
    auto const envelope = rmb::ParseEnvelope(RawMember(row, "envelope"));
    auto const key = Hex32(Text(KeyNamed(Text(row, "from")), "public"));
    bool const good = envelope && rmb::CheckSignature(*envelope, key);
    EXPECT_EQ(good, Flag(row, "verify"));
  });
}

TEST(Envelopes, NeverReadBeyondTheirEndWhenTruncated) {
  ForEach(kFile, "envelopes", [](Row const& row) {
    auto const bytes = RawMember(row, "envelope");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      std::string const part(bytes, 0, size);  // of its own, so that the sanitizer sees its end
      (void)rmb::ParseEnvelope(part);
    }
  });
}

// Within the life that the claims state.
std::int64_t TimeFor(Row const& row) {
  constexpr std::int64_t kAfterIssue = 10;
  boost::json::error_code error;
  auto const claims = boost::json::parse(Text(row, "claims"), error);
  if (error || !claims.is_object() || !Member(claims, "iat").is_number()) return kAfterIssue;
  return claims.at("iat").to_number<std::int64_t>() + kAfterIssue;
}

TEST(Tokens, VerifyAsStated) {
  constexpr std::int64_t kLeeway = 30;
  ForEach(kFile, "jwt", [](Row const& row) {
    auto const token = rmb::ParseToken(Text(row, "token"));
    auto const key = Hex32(Text(KeyNamed(Text(row, "key")), "public"));
    bool const good = token && rmb::CheckToken(*token, key, TimeFor(row), kLeeway);
    EXPECT_EQ(good, Flag(row, "verify"));
    if (!good) return;
    auto const claims = boost::json::parse(Text(row, "claims"));
    EXPECT_EQ(token->claims.sub, claims.at("sub").to_number<std::uint32_t>());
    EXPECT_EQ(token->claims.exp, claims.at("exp").to_number<std::int64_t>());
    EXPECT_EQ(token->claims.sid.has_value(), Member(claims, "sid").is_string());
    EXPECT_EQ(token->claims.sid.value_or(""), Text(claims, "sid"));
    EXPECT_TRUE(rmb::CheckToken(*token, key, token->claims.exp + kLeeway, kLeeway));
    EXPECT_FALSE(rmb::CheckToken(*token, key, token->claims.exp + kLeeway + 1, kLeeway));
  });
}

// A relay without twins, clients and other relays.
class LoneRouter : public rmb::TwinDirectory, public rmb::Outbound {
 public:
  Result<rmb::TwinInfo> Twin(std::uint32_t id) override {
    return Fail(Code::kNotFound, "no twin {}", id);
  }
  Result<void> Send(rmb::OutboundMessage /*message*/) override {
    return Fail(Code::kUnavailable, "no other relay");
  }
  rmb::Router& router() { return router_; }
  // The one message that waits for the session.
  std::string Queued(rmb::Address const& session) {
    auto* const mailbox = queues_.Find({session.twin, session.connection});
    return mailbox == nullptr ? "" : mailbox->messages.front().bytes;
  }

 private:
  SystemClock clock_;
  rmb::TwinCache twins_{*this, {}, clock_};
  rmb::Queues queues_{{}};
  rmb::RelayCounters counters_;
  rmb::MemoryDelivery delivery_{queues_, counters_, clock_};
  rmb::RateLimit limit_{std::nullopt};
  rmb::Router router_{{twins_, queues_, delivery_, *this, limit_}};
};

// `219:sess-1`
rmb::Address SessionOf(std::string const& text) {
  auto const colon = text.find(':');
  rmb::Address address{static_cast<std::uint32_t>(std::stoul(text.substr(0, colon))), {}};
  if (colon != std::string::npos) address.connection = text.substr(colon + 1);
  return address;
}

void ExpectPong(Row const& fields, Envelope const& pong) {
  EXPECT_EQ(pong.uid, Text(fields, "uid"));
  EXPECT_EQ(pong.timestamp, fields.at("timestamp").to_number<std::uint64_t>());
  EXPECT_EQ(pong.expiration, fields.at("expiration").to_number<std::uint64_t>());
  EXPECT_EQ(KindOf(pong), Text(fields, "kind"));
  ASSERT_TRUE(pong.source.has_value());
  EXPECT_EQ(pong.source->twin, fields.at("source").at("twin").to_number<std::uint32_t>());
  ExpectAddress(fields.at("destination"), pong.destination);
  EXPECT_EQ(crypto::Hex(crypto::AsBytes(pong.payload_bytes())), Text(fields, "plain"));
}

TEST(Pings, BecomePongs) {
  ForEach(kFile, "pings", [](Row const& row) {
    auto const& fields = row.at("pong_fields");
    auto const now = fields.at("timestamp").to_number<std::int64_t>() + 1;
    auto const session = SessionOf(Text(row, "session"));
    LoneRouter relay;
    auto ping = rmb::OneLetter(RawMember(row, "ping"), 0, 0);

    auto const routed = relay.router().Route(session, ping, now);

    EXPECT_EQ(routed.step, rmb::Router::Step::kDone);
    ExpectPong(fields, rmb::ParseEnvelope(relay.Queued(session)).value());
    ExpectPong(fields, rmb::ParseEnvelope(RawMember(row, "pong_example")).value());
  });
}

}  // namespace
}  // namespace trellis::golden
