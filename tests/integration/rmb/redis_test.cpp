// Relays that share their queues through a real Redis server.
#include "tests/integration/rmb/relay_fixture.hpp"
#include "tests/support/redis_server.hpp"

namespace trellis::rmb {
namespace {

using testing::BusClient;
using testing::RedisServer;
using testing::RequestOf;
using testing::SignedBytes;
using testing::TokenOf;

class RedisTest : public ::testing::Test {
 protected:
  RedisTest() {
    for (std::uint32_t twin = 1; twin <= 3; ++twin)
      twins_.Add(twin, "relay.test");
  }
  RelayOptions Options() const {
    RelayOptions options;
    options.domains = {"relay.test"};
    options.redis.emplace().port = redis_.port();
    options.queues.messages = 5;
    return options;
  }
  std::unique_ptr<RelayBench> StartRelay() {
    auto relay = std::make_unique<RelayBench>(twins_, Options());
    WaitForStore(*relay);
    return relay;
  }
  /// Until the relay can store messages.
  void WaitForStore(RelayBench& relay) {
    auto const probe = SignedBytes(RequestOf({1, {}}, {3, "probe"}, "probe", relay.now()));
    auto const end = std::chrono::steady_clock::now() + testing::kPatience;
    while (std::chrono::steady_clock::now() < end) {
      if (BusClient(relay.port()).Post("/", probe).status == 202) return;
    }
    FAIL() << "the relay does not reach redis";
  }
  static std::unique_ptr<BusClient> Connect(RelayBench& relay, std::uint32_t twin,
                                            std::optional<std::string> session = {}) {
    auto client = std::make_unique<BusClient>(relay.port());
    EXPECT_EQ(client->Upgrade(TokenOf(twin, std::move(session), relay.now())).status, 101U);
    return client;
  }
  static std::string Bytes(RelayBench const& relay, std::string const& uid,
                           std::optional<std::string> tags = {}) {
    auto request = RequestOf({1, {}}, {2, {}}, uid, relay.now());
    request.tags = std::move(tags);
    return SignedBytes(request);
  }
  static std::string Next(BusClient& client) {
    auto const envelope = client.ReceiveEnvelope();
    if (!envelope) return "nothing";
    auto const* const error = std::get_if<ErrorReport>(&envelope->message);
    return error == nullptr ? envelope->uid : error->message;
  }
  /// Until the queue of a session is empty, as Redis says.
  bool WaitEmpty(std::string const& session) {
    auto const end = std::chrono::steady_clock::now() + testing::kPatience;
    while (std::chrono::steady_clock::now() < end) {
      if (redis_.Ask({"EXISTS", "trellis-relay:q:" + session}) == "0\n") return true;
    }
    return false;
  }

  testing::BusTwins twins_;
  RedisServer redis_;
};

TEST_F(RedisTest, CarriesMessagesBetweenSessionsOfTwoRelays) {
  auto const first = StartRelay();
  auto const second = StartRelay();
  auto const sender = Connect(*first, 1);
  auto const receiver = Connect(*second, 2);
  for (int i = 0; i < 4; ++i) {
    sender->SendBinary(Bytes(*first, std::to_string(i)));
    EXPECT_EQ(Next(*receiver), std::to_string(i));
  }
  EXPECT_TRUE(WaitEmpty("2"));
  EXPECT_EQ(redis_.Ask({"ZSCORE", "trellis-relay:sizes", "2"}), "\n");
}

TEST_F(RedisTest, KeepsMessagesWhenARelayEnds) {
  auto first = StartRelay();
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(BusClient(first->port()).Post("/", Bytes(*first, std::to_string(i))).status, 202U);
  first.reset();
  auto const second = StartRelay();
  auto const receiver = Connect(*second, 2);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(Next(*receiver), std::to_string(i));
}

TEST_F(RedisTest, GivesASessionToItsNewestConnectionOnAnyRelay) {
  auto const first = StartRelay();
  auto const second = StartRelay();
  auto const sender = Connect(*first, 1);
  auto const before = Connect(*first, 2);
  sender->SendBinary(Bytes(*first, "known"));
  EXPECT_EQ(Next(*before), "known");  // from here on the first relay's claim is the older one
  auto const after = Connect(*second, 2);
  EXPECT_TRUE(before->WaitClosed());
  sender->SendBinary(Bytes(*first, "moved"));
  EXPECT_EQ(Next(*after), "moved");
}

TEST_F(RedisTest, FailsFastOnlyWhenNoRelayHasTheSession) {
  auto const first = StartRelay();
  auto const second = StartRelay();
  auto const sender = Connect(*first, 1);
  sender->SendBinary(Bytes(*first, "uid", "fail-fast"));
  EXPECT_EQ(Next(*sender), "destination offline");
  auto const receiver = Connect(*second, 2);
  sender->SendBinary(Bytes(*first, "waits"));
  EXPECT_EQ(Next(*receiver), "waits");
  sender->SendBinary(Bytes(*first, "fast", "fail-fast"));
  EXPECT_EQ(Next(*receiver), "fast");
}

TEST_F(RedisTest, KeepsTheNewestOfAQueue) {
  auto const relay = StartRelay();
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(BusClient(relay->port()).Post("/", Bytes(*relay, std::to_string(i))).status, 202U);
  auto const receiver = Connect(*relay, 2);
  for (int i = 3; i < 8; ++i)
    EXPECT_EQ(Next(*receiver), std::to_string(i));
}

TEST_F(RedisTest, SaysThatItCannotStoreAndComesBack) {
  auto const relay = StartRelay();
  auto const sender = Connect(*relay, 1);
  auto const receiver = Connect(*relay, 2);
  redis_.Kill();
  sender->SendBinary(Bytes(*relay, "lost"));
  EXPECT_EQ(Next(*sender), "the relay cannot store messages, try again later");
  EXPECT_EQ(BusClient(relay->port()).Post("/", Bytes(*relay, "lost too")).status, 500U);
  redis_.Start();
  WaitForStore(*relay);
  sender->SendBinary(Bytes(*relay, "back"));
  EXPECT_EQ(Next(*receiver), "back");
}

TEST_F(RedisTest, DeliversMoreThanItReadsAhead) {
  auto options = Options();
  options.queues.messages = 10000;
  RelayBench relay(twins_, options);
  WaitForStore(relay);
  auto const sender = Connect(relay, 1);
  constexpr int kMany = 1500;
  for (int i = 0; i < kMany; ++i)
    sender->SendBinary(Bytes(relay, std::to_string(i)));
  auto const receiver = Connect(relay, 2);
  for (int i = 0; i < kMany; ++i)
    ASSERT_EQ(Next(*receiver), std::to_string(i));
  EXPECT_TRUE(WaitEmpty("2"));
}

}  // namespace
}  // namespace trellis::rmb
