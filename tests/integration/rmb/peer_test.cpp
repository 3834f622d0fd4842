// Peers over real relays.
#include "kernel/rmb/websocket_link.hpp"
#include "kernel/sys/ports.hpp"
#include "tests/integration/rmb/relay_fixture.hpp"

#include <boost/asio.hpp>

#include <future>
#include <thread>

namespace trellis::rmb {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::BusTwins;

constexpr milliseconds kSoon(testing::kPatience);

/// Twin 1 answers `echo` with its payload, `fail` with an error, `silent` never.
Handler Echo(std::atomic<int>& runs) {
  return [&runs](IncomingRequest request, Reply const& reply) {
    ++runs;
    if (request.command == "echo") reply({request.payload, 0, {}});
    if (request.command == "fail") reply({{}, 418, "teapot"});
    if (request.command == "much") reply({std::string(kMaxPayload + 1, ' '), 0, {}});
    if (request.command == "most") reply({std::string(kMaxPayload, ' '), 0, {}});
  };
}

class PeerTest : public RelayTest {
 protected:
  PeerTest() {
    twins_.Add(1, "relay.test", true);
    twins_.Add(2, "relay.test", true);
    node_ = StartNode();
  }
  std::unique_ptr<Peer> StartNode() {
    return Peer::Start({LocalLink(bench_.relay(), {1, std::nullopt})},
                       BusTwins::IdentityOf(1, std::nullopt, true),
                       {bench_.cache(), bench_.pool(), bench_.clock()}, Echo(runs_));
  }
  std::unique_ptr<Peer> StartClient(std::uint32_t twin, bool encrypts, std::string session = "c") {
    auto client = Peer::Start(bench_.relay().url(),
                              BusTwins::IdentityOf(twin, std::move(session), encrypts), twins_, {})
                      .value();
    EXPECT_TRUE(client->WaitConnected(kSoon));
    return client;
  }

  std::atomic<int> runs_{0};
  std::unique_ptr<Peer> node_;
};

TEST_F(PeerTest, AsksAndAnswersPlainAndEncrypted) {
  auto const plain = StartClient(3, false);
  EXPECT_EQ(plain->Call(1, "echo", "[1]", testing::kPatience).value(), "[1]");
  auto const secret = StartClient(2, true);
  EXPECT_EQ(secret->Call(1, "echo", "[2]", testing::kPatience).value(), "[2]");
  EXPECT_EQ(secret->Call(1, "echo", "", testing::kPatience).value(), "null");
}

TEST_F(PeerTest, HandsErrorsOver) {
  auto const client = StartClient(2, true);
  auto const failed = client->Call(1, "fail", "", testing::kPatience);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().error.code, Code::kDenied);
  EXPECT_EQ(failed.error().error.message, "teapot");
  EXPECT_EQ(failed.error().remote_code, 418U);
  EXPECT_EQ(client->Call(99, "echo", "", testing::kPatience).error().error.code, Code::kNotFound);
  auto const nobody = client->Call(3, "echo", "", seconds(1));
  EXPECT_EQ(nobody.error().error.code, Code::kTimeout);
}

TEST_F(PeerTest, SendsNothingThatARelayHasToRefuse) {
  twins_.Add(4, "relay.test", true);
  auto node = Peer::Start(bench_.relay().url(), BusTwins::IdentityOf(4, std::nullopt, true), twins_,
                          Echo(runs_))
                  .value();
  ASSERT_TRUE(node->WaitConnected(kSoon));
  auto const client = StartClient(2, true);
  EXPECT_EQ(client->Call(4, "most", "", testing::kPatience).value().size(), kMaxPayload);
  auto const refused = client->Call(4, "much", "", testing::kPatience);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().remote_code, kErrorTooLarge);
  EXPECT_EQ(client->Call(4, "echo", "[3]", testing::kPatience).value(), "[3]");
  auto const large =
      client->Call(4, "echo", std::string(kMaxPayload + 1, ' '), testing::kPatience).error().error;
  EXPECT_EQ(large.code, Code::kInvalid);
  EXPECT_NE(large.message.find("more than the"), std::string::npos) << large.message;
}

TEST_F(PeerTest, GivesUpWhenTheTimeIsOver) {
  auto const client = StartClient(2, true);
  auto const begun = std::chrono::steady_clock::now();
  // Long enough for the request to arrive: one that is too old by then is refused.
  EXPECT_EQ(client->Call(1, "silent", "", seconds(5)).error().error.code, Code::kTimeout);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, testing::kPatience);
}

TEST_F(PeerTest, CancelsOpenCallsWhenItEnds) {
  auto client = StartClient(2, true);
  std::promise<Code> ended;
  Question question;
  question.to.twin = 1;
  question.command = "silent";
  client->Ask(question,
              [&](CallResult const& result) { ended.set_value(result.error().error.code); });
  client.reset();
  EXPECT_EQ(ended.get_future().get(), Code::kCancelled);
}

TEST_F(PeerTest, RunsARepeatedRequestOnceAndAnswersItTwice) {
  auto const client = Connect(3, "raw");
  auto request = Request({3, "raw"}, {1, {}});
  request.message = rmb::Request{"echo"};
  auto const bytes = testing::SignedBytes(request);
  client->SendBinary(bytes);
  auto const first = client->Receive();
  client->SendBinary(bytes);
  auto const second = client->Receive();
  EXPECT_TRUE(first.has_value());
  EXPECT_EQ(first, second);
  EXPECT_EQ(runs_, 1);
}

TEST_F(PeerTest, RefusesWhatIsNotSignedWell) {
  auto const client = Connect(3, "raw");
  client->SendBinary(SerializeEnvelope(Request({3, "raw"}, {1, {}})));
  EXPECT_EQ(NextError(*client), "invalid envelope signature: signature is missing");
  auto expired = Request({3, "raw"}, {1, {}});
  expired.timestamp -= 61;
  client->SendBinary(testing::SignedBytes(expired));  // the relay drops it, or the peer refuses it
  auto forged = Request({3, "raw"}, {1, {}});
  SignEnvelope(forged, BusTwins::SignerOf(4));
  client->SendBinary(SerializeEnvelope(forged));
  EXPECT_EQ(NextError(*client), "invalid envelope signature: signature does not match");
  EXPECT_EQ(runs_, 0);
}

TEST_F(PeerTest, NeverRunsAnUnsignedRequestOfNobodyThatFederationBrings) {
  testing::BusClient forger(bench_.port());
  EXPECT_EQ(forger.Post("/", SerializeEnvelope(Request({0, {}}, {1, {}}))).status, 403U);
  auto const client = StartClient(2, true);
  EXPECT_EQ(client->Call(1, "echo", "1", testing::kPatience).value(), "1");
  EXPECT_EQ(runs_, 1);
}

TEST_F(PeerTest, DecryptsWithTheNewKeyOfATwinThatChangedIt) {
  {
    auto const client = StartClient(2, true);
    EXPECT_EQ(client->Call(1, "echo", "1", testing::kPatience).value(), "1");
  }
  twins_.ChangePk(2, 9);
  auto identity = BusTwins::IdentityOf(2, "c", true);
  identity.seed = BusTwins::SeedOf(2, 9);
  auto const client = Peer::Start(bench_.relay().url(), identity, twins_, {}).value();
  EXPECT_EQ(client->Call(1, "echo", "2", testing::kPatience).value(), "2");
}

TEST_F(PeerTest, AnswersOthersWhileATwinFloodsItWithBadSignatures) {
  auto const flood = Connect(3, "flood");
  auto const good = StartClient(2, true);
  auto forged = Request({3, "flood"}, {1, {}});
  SignEnvelope(forged, BusTwins::SignerOf(4));
  auto const bytes = SerializeEnvelope(forged);
  std::atomic<bool> stop{false};
  std::thread flooder([&] {
    while (!stop)
      flood->SendBinary(bytes);
  });
  constexpr int kCalls = 20;
  for (int i = 0; i < kCalls; ++i)
    EXPECT_EQ(good->Call(1, "echo", "1", testing::kPatience).value_or("none"), "1");
  stop = true;
  flooder.join();
  EXPECT_EQ(runs_, kCalls);
}

TEST_F(PeerTest, TakesItsSessionBackFromAnotherConnection) {
  auto const intruder = Connect(1);
  EXPECT_TRUE(intruder->WaitClosed());
  auto const client = StartClient(2, true);
  EXPECT_EQ(client->Call(1, "echo", "1", testing::kPatience).value(), "1");
}

TEST_F(PeerTest, ServesManySessionsAtOnce) {
  constexpr int kSessions = 20;
  constexpr int kRequests = 50;
  std::atomic<int> answered{0};
  {
    std::vector<std::unique_ptr<Peer>> clients;
    for (int i = 0; i < kSessions; ++i)
      clients.push_back(StartClient(2, true, std::to_string(i)));
    std::vector<std::thread> threads;
    for (auto const& client : clients) {
      threads.emplace_back([&] {
        for (int i = 0; i < kRequests; ++i)
          answered += client->Call(1, "echo", "1", testing::kPatience).has_value() ? 1 : 0;
      });
    }
    for (auto& thread : threads)
      thread.join();
  }
  EXPECT_EQ(answered, kSessions * kRequests);
  EXPECT_EQ(runs_, kSessions * kRequests);
}

TEST(PeerLinks, ComeBackAfterTheRelayDid) {
  BusTwins twins;
  twins.Add(1, "relay.test");
  twins.Add(2, "relay.test");
  RelayOptions options;
  options.domains = {"relay.test"};
  std::atomic<int> runs{0};
  auto first = std::make_unique<RelayBench>(twins, options, sys::PickPort().value());
  auto const url = first->relay().url();
  auto const node =
      Peer::Start(url, BusTwins::IdentityOf(1, std::nullopt), twins, Echo(runs)).value();
  auto const client = Peer::Start(url, BusTwins::IdentityOf(2, "c"), twins, {}).value();
  EXPECT_EQ(client->Call(1, "echo", "1", testing::kPatience).value(), "1");
  options.port = first->port();
  first.reset();
  SystemClock clock;
  TwinCache cache(twins, {}, clock);
  FairPool pool("verify", {});
  auto const second = Relay::Start(options, {cache, pool, clock});
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(client->Call(1, "echo", "2", testing::kPatience).value(), "2");
}

TEST(PeerLinks, UseAnotherRelayWhenOneIsAway) {
  BusTwins twins;
  RelayOptions options;
  options.domains = {"relay.test"};
  twins.Add(1, "relay.test");
  twins.Add(2, "relay.test");
  RelayBench bench(twins, options);
  std::atomic<int> runs{0};
  auto const url = ParseRelayUrl(bench.relay().url()).value();
  auto const away = ParseRelayUrl("ws://127.0.0.1:1").value();
  auto const identity = BusTwins::IdentityOf(1, std::nullopt);
  auto const node = Peer::Start({WebSocketLink(away, identity), WebSocketLink(url, identity)},
                                identity, {bench.cache(), bench.pool(), bench.clock()}, Echo(runs));
  auto const client =
      Peer::Start(bench.relay().url(), BusTwins::IdentityOf(2, "c"), twins, {}).value();
  EXPECT_EQ(client->Call(1, "echo", "1", testing::kPatience).value(), "1");
}

/// A relay whose clock is ahead: refuses tokens of our time, and says what time it is.
TEST(PeerLinks, LearnTheRelaysClockWhenItRefusesTheirToken) {
  testing::BusTwins twins;
  twins.Add(1, "relay.test");
  class Ahead final : public Clock {
   public:
    [[nodiscard]] std::int64_t UnixSeconds() const override {
      return SystemClock().UnixSeconds() + 400;
    }
    [[nodiscard]] std::int64_t MonotonicNs() const override { return SystemClock().MonotonicNs(); }
  } clock;
  TwinCache cache(twins, {}, clock);
  FairPool pool("verify", {});
  RelayOptions options;
  options.port = 0;
  auto const relay = Relay::Start(options, {cache, pool, clock}).value();
  auto const peer =
      Peer::Start(relay->url(), BusTwins::IdentityOf(1, std::nullopt), twins, {}).value();
  EXPECT_TRUE(peer->WaitConnected(kSoon));
}

}  // namespace
}  // namespace trellis::rmb
