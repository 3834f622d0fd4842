// A relay over real sockets, against clients that behave and clients that do not.
#include "kernel/rmb/token.hpp"
#include "tests/integration/rmb/relay_fixture.hpp"

namespace trellis::rmb {
namespace {

using testing::BusClient;
using testing::SignedBytes;
using testing::TokenOf;

class SessionTest : public RelayTest {
 protected:
  Address const one_{1, "one"};
  Address const two_{2, std::nullopt};
};

TEST_F(SessionTest, SendsMessagesToTheirSession) {
  auto const sender = Connect(1, "one");
  auto const receiver = Connect(2);
  auto const bytes = SignedBytes(Request(one_, two_));
  sender->SendBinary(bytes);
  EXPECT_EQ(receiver->Receive(), bytes);
}

TEST_F(SessionTest, ReachesOnlyTheUnnamedSessionWithoutAName) {
  auto const sender = Connect(1, "one");
  auto const named = Connect(2, "name");
  sender->SendBinary(SignedBytes(Request(one_, two_, "first")));
  auto const unnamed = Connect(2);
  EXPECT_EQ(NextUid(*unnamed), "first");
  sender->SendBinary(SignedBytes(Request(one_, {2, "name"}, "second")));
  EXPECT_EQ(NextUid(*named), "second");
}

TEST_F(SessionTest, KeepsMessagesForASessionThatComesLater) {
  auto const sender = Connect(1, "one");
  for (int i = 0; i < 5; ++i)
    sender->SendBinary(SignedBytes(Request(one_, two_, std::to_string(i))));
  sender->SendBinary(SignedBytes(Request(one_, {99, {}})));
  EXPECT_EQ(NextError(*sender), "unknown twin destination");  // the others were routed before it
  auto const receiver = Connect(2);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(NextUid(*receiver), std::to_string(i));
}

TEST_F(SessionTest, GivesASessionToItsNewestConnection) {
  auto const first = Connect(2);
  auto const other = Connect(2, "other");
  auto const second = Connect(2);
  EXPECT_TRUE(first->WaitClosed());
  auto const sender = Connect(1, "one");
  sender->SendBinary(SignedBytes(Request(one_, two_, "for the second")));
  EXPECT_EQ(NextUid(*second), "for the second");
  sender->SendBinary(SignedBytes(Request(one_, {2, "other"}, "for the other")));
  EXPECT_EQ(NextUid(*other), "for the other");
}

TEST_F(SessionTest, ReportsWrongSourcesAndStaysConnected) {
  auto const sender = Connect(1, "one");
  sender->SendBinary(SignedBytes(Request({2, "one"}, two_)));
  EXPECT_EQ(NextError(*sender), "message wrong source");
  sender->SendBinary(SignedBytes(Request({1, {}}, two_)));
  EXPECT_EQ(NextError(*sender), "message wrong source");
  sender->SendBinary(SignedBytes(Request(one_, one_, "to myself")));
  EXPECT_EQ(NextUid(*sender), "to myself");
}

TEST_F(SessionTest, AnswersPings) {
  auto const client = Connect(1, "one");
  auto ping = Request(one_, {0, {}}, "ping");
  ping.message = Ping{};
  client->SendBinary(SerializeEnvelope(ping));
  auto const pong = client->ReceiveEnvelope();
  ASSERT_TRUE(pong.has_value());
  EXPECT_TRUE(std::holds_alternative<Pong>(pong->message));
  EXPECT_EQ(pong->payload_bytes(), "hello world");
  client->SendFrame(0x89, "websocket ping");
  client->SendBinary(SignedBytes(Request(one_, one_)));
  EXPECT_EQ(NextUid(*client), "uid");
  EXPECT_EQ(client->pongs(), 1U);
}

TEST_F(SessionTest, ClosesOnWhatIsNotAnEnvelope) {
  auto const text = Connect(1, "one");
  text->SendFrame(0x81, "text");
  EXPECT_TRUE(text->WaitClosed());
  EXPECT_EQ(text->close_code(), 1003);
  auto const junk = Connect(1, "one");
  junk->SendBinary("\xff\xff");
  EXPECT_TRUE(junk->WaitClosed());
  EXPECT_EQ(junk->close_code(), 1007);
  auto const unmasked = Connect(1, "one");
  unmasked->Write("\x82\x02xy");
  EXPECT_TRUE(unmasked->WaitClosed());
  EXPECT_EQ(unmasked->close_code(), 1002);
}

TEST_F(SessionTest, PassesLargeMessagesAndRefusesTooLargeOnes) {
  auto const sender = Connect(1, "one");
  auto const receiver = Connect(2);
  auto request = Request(one_, two_);
  request.payload = Plain{std::string(std::size_t{4} << 20U, 'x')};
  auto const bytes = SignedBytes(request);
  sender->SendBinary(bytes);
  EXPECT_EQ(receiver->Receive(), bytes);
  sender->SendBinary(std::string((std::size_t{16} << 20U) + 1, 'x'));
  EXPECT_TRUE(sender->WaitClosed());
  EXPECT_EQ(sender->close_code(), 1009);
}

TEST_F(SessionTest, SurvivesConnectionsThatEndAnywhere) {
  auto const bytes = SignedBytes(Request(one_, two_));
  for (std::size_t size = 0; size < 20; ++size) {
    auto const client = Connect(1, "one");
    client->Write(std::string("\x82\xfe\x01\x00maskpayloadpayload").substr(0, size));
    client->Close();
  }
  auto const sender = Connect(1, "one");
  auto const receiver = Connect(2);
  sender->SendBinary(bytes);
  EXPECT_EQ(receiver->Receive(), bytes);
}

TEST_F(SessionTest, RefusesConnectionsWithoutAGoodToken) {
  auto const refusal = [this](std::string const& query) {
    BusClient client(bench_.port());
    auto const reply = client.Upgrade(query);
    return fmt::format("{} {}", reply.status, reply.body);
  };
  auto const now = bench_.now();
  EXPECT_EQ(refusal(""), "400 missing jwt");
  EXPECT_EQ(refusal("garbage"), "401 invalid jwt: expected three parts");
  EXPECT_EQ(refusal("a.b"), "401 invalid jwt: expected three parts");
  EXPECT_EQ(refusal(TokenOf(1, {}, now - 60 - 31)), "401 invalid jwt: token has expired");
  EXPECT_EQ(refusal(TokenOf(99, {}, now)), "401 twin not found 99");
  auto const signer = testing::BusTwins::SignerOf(2);
  EXPECT_EQ(refusal(MakeToken({1, now, now + 60, {}}, signer)),
            "401 invalid jwt: invalid signature");
  EXPECT_EQ(refusal(TokenOf(1, {}, now - 60 - 10)), "101 ");
}

TEST_F(SessionTest, SaysWhenTheLedgerIsAway) {
  twins_.SetAway(true);
  BusClient client(bench_.port());
  EXPECT_EQ(client.Upgrade(TokenOf(1, {}, bench_.now())).status, 503U);
}

TEST_F(SessionTest, AnswersHttpOnOneConnection) {
  BusClient client(bench_.port());
  EXPECT_EQ(client.Get("/nothing").body, "page not found");
  EXPECT_EQ(client.Post("/elsewhere", "x").status, 404U);
  auto const metrics = client.Get("/metrics");
  EXPECT_EQ(metrics.status, 200U);
  for (auto const* name : {"relay_message_rx ", "relay_message_tx_bytes ", "rmb_cache_hits_total ",
                           "relay_worker_connections{worker=\"0\"} ",
                           "relay_session_evictions_total{reason=\"back_pressure_timeout\"} "})
    EXPECT_NE(metrics.body.find(name), std::string::npos) << name;
}

class SmallRelayTest : public RelayTest {
 protected:
  SmallRelayTest() : RelayTest(Options()) {}
  static RelayOptions Options() {
    RelayOptions options;
    options.max_sessions = 3;
    options.limit.emplace(RelayRateLimit{10, 10000});
    return options;
  }
};

TEST_F(SmallRelayTest, GivesATwinWithFewSessionsAPlaceOfOneWithMany) {
  auto const oldest = Connect(1, "a");
  auto const second = Connect(1, "b");
  auto const third = Connect(1, "c");
  auto const other = Connect(2);
  EXPECT_TRUE(oldest->WaitClosed());
  EXPECT_EQ(oldest->close_code(), 1013);
  BusClient more(bench_.port());
  EXPECT_EQ(more.Upgrade(TokenOf(1, "d", bench_.now())).status, 503U);
}

TEST_F(SmallRelayTest, LimitsATwinAndLeavesOthersAlone) {
  auto const flood = Connect(1, "one");
  auto const good = Connect(2);
  for (int i = 0; i < 200; ++i)
    flood->SendBinary(SignedBytes(Request({1, "one"}, {3, {}})));
  EXPECT_EQ(NextError(*flood), "exceeded rate limits, dropping message");
  good->SendBinary(SignedBytes(Request({2, {}}, {2, {}}, "good")));
  EXPECT_EQ(NextUid(*good), "good");
}

}  // namespace
}  // namespace trellis::rmb
