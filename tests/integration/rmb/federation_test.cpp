// Messages between relays.
#include "kernel/sys/ports.hpp"
#include "tests/integration/rmb/relay_fixture.hpp"

#include <chrono>
#include <thread>

namespace trellis::rmb {
namespace {

using testing::BusClient;
using testing::RequestOf;
using testing::SignedBytes;
using testing::TokenOf;

class InboundTest : public RelayTest {
 protected:
  std::string Post(std::string const& body) {
    BusClient client(bench_.port());
    auto const reply = client.Post("/", body);
    return fmt::format("{} {}", reply.status, reply.body);
  }
  Address const from_{1, "one"};
  Address const to_{2, std::nullopt};
};

TEST_F(InboundTest, QueuesSignedMessagesForItsOwnTwins) {
  EXPECT_EQ(Post(SignedBytes(Request(from_, to_))), "202 ");
  auto const receiver = Connect(2);
  EXPECT_EQ(NextUid(*receiver), "uid");
}

TEST_F(InboundTest, BelievesNobodyWithoutASignature) {
  EXPECT_TRUE(Post("\xff").starts_with("400 bad request: "));
  EXPECT_EQ(Post(SerializeEnvelope(Request(from_, to_))),
            "403 invalid envelope signature: signature is missing");
  auto forged = Request(from_, to_);
  SignEnvelope(forged, testing::BusTwins::SignerOf(3));
  EXPECT_EQ(Post(SerializeEnvelope(forged)),
            "403 invalid envelope signature: signature does not match");
  EXPECT_EQ(Post(SignedBytes(Request({99, {}}, to_))), "403 unknown twin id '99'");
  auto nobody = Request({0, {}}, to_);
  EXPECT_EQ(Post(SignedBytes(nobody)), "403 message without source");
  nobody.source.reset();
  EXPECT_EQ(Post(SerializeEnvelope(nobody)), "403 message without source");
}

TEST_F(InboundTest, TakesNothingForTwinsOfOtherRelays) {
  twins_.SetRelay(3, "other.test");
  EXPECT_EQ(Post(SignedBytes(Request(from_, {3, {}}))), "404 unknown twin destination");
  EXPECT_EQ(Post(SignedBytes(Request(from_, {99, {}}))), "404 unknown twin destination");
  EXPECT_EQ(Post(SignedBytes(Request(from_, {0, {}}))), "404 unknown twin destination");
}

TEST_F(InboundTest, FailsFastWhenAskedTo) {
  auto request = Request(from_, to_);
  request.tags = "fail-fast";
  EXPECT_EQ(Post(SignedBytes(request)), "404 destination offline");
  auto const receiver = Connect(2);
  EXPECT_EQ(Post(SignedBytes(request)), "202 ");
}

TEST_F(InboundTest, LimitsTheBody) {
  BusClient client(bench_.port());
  auto const reply = client.Http("POST / HTTP/1.1\r\nContent-Length: 16777217\r\n\r\n");
  EXPECT_EQ(reply.status, 413U);
}

TEST_F(InboundTest, TakesManyMessagesOverOneConnection) {
  BusClient client(bench_.port());
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(client.Post("/", SignedBytes(Request(from_, to_, std::to_string(i)))).status, 202U);
  auto const receiver = Connect(2);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(NextUid(*receiver), std::to_string(i));
}

/// Two relays, a twin on each: 1 on the first, 2 on the second.
class FederationTest : public ::testing::Test {
 protected:
  FederationTest() {
    twins_.Add(1, "ws:/" + first_.domain());
    twins_.Add(2, "ws:/" + second_->domain());
  }
  std::unique_ptr<BusClient> Connect(RelayBench& bench, std::uint32_t twin) {
    auto client = std::make_unique<BusClient>(bench.port());
    EXPECT_EQ(client->Upgrade(TokenOf(twin, {}, bench.now())).status, 101U);
    return client;
  }
  Envelope Request(std::string const& uid) const {
    return RequestOf({1, {}}, {2, {}}, uid, first_.now());
  }
  /// Waits until the relay's metrics hold the text.
  static bool Shows(RelayBench const& bench, std::string const& text) {
    auto const end = std::chrono::steady_clock::now() + testing::kPatience;
    BusClient metrics(bench.port());
    while (metrics.Get("/metrics").body.find(text) == std::string::npos) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }
  static std::string ErrorOf(BusClient& client) {
    auto const envelope = client.ReceiveEnvelope();
    if (!envelope) return "nothing";
    auto const* const error = std::get_if<ErrorReport>(&envelope->message);
    return error == nullptr ? "no error" : error->message;
  }

  testing::BusTwins twins_;
  RelayBench first_{twins_};
  std::unique_ptr<RelayBench> second_ =
      std::make_unique<RelayBench>(twins_, RelayOptions(), sys::PickPort().value());
};

TEST_F(FederationTest, CarriesRequestsAndAnswersAcross) {
  auto const asker = Connect(first_, 1);
  auto const answerer = Connect(*second_, 2);
  asker->SendBinary(SignedBytes(Request("uid")));
  auto const request = answerer->ReceiveEnvelope();
  ASSERT_TRUE(request.has_value());
  auto response = RequestOf({2, {}}, *request->source, request->uid, first_.now());
  response.message = Response{};
  answerer->SendBinary(SignedBytes(response));
  auto const answer = asker->ReceiveEnvelope();
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(std::holds_alternative<Response>(answer->message));
  // The answer may be faster than what tells the relay that its request was taken.
  EXPECT_TRUE(Shows(first_, "federation_message_success{relay=\"" + second_->domain() + "\"} 1"));
}

TEST_F(FederationTest, KeepsMessagesForARelayThatIsDown) {
  auto const asker = Connect(first_, 1);
  RelayOptions same;
  same.port = second_->port();
  second_->Stop();
  asker->SendBinary(SignedBytes(Request("late")));
  // Over with the first tries, which fail at once.
  ASSERT_TRUE(
      Shows(first_, fmt::format("federation_message_error{{relay=\"127.0.0.1:{}", same.port)));
  SystemClock clock;
  TwinCache cache(twins_, {}, clock);
  FairPool pool("verify", {});
  auto const again = Relay::Start(same, {cache, pool, clock});
  ASSERT_TRUE(again) << again.error().message;
  BusClient receiver((*again)->port());
  ASSERT_EQ(receiver.Upgrade(TokenOf(2, {}, first_.now())).status, 101U);
  auto const envelope = receiver.ReceiveEnvelope();
  ASSERT_TRUE(envelope.has_value());
  EXPECT_EQ(envelope->uid, "late");
}

TEST_F(FederationTest, ReportsWhatExpiresOnTheWay) {
  auto const asker = Connect(first_, 1);
  second_->Stop();
  auto request = Request("uid");
  request.expiration = 1;
  asker->SendBinary(SignedBytes(request));
  EXPECT_EQ(ErrorOf(*asker), "message has expired");
}

TEST_F(FederationTest, ReportsWhatTheOtherRelayRejects) {
  auto const asker = Connect(first_, 1);
  auto request = Request("uid");
  request.tags = "fail-fast";
  asker->SendBinary(SignedBytes(request));
  EXPECT_EQ(ErrorOf(*asker), "remote relay rejected permanently: destination offline");
}

TEST_F(FederationTest, TriesTheOtherRelaysOfATwin) {
  auto const asker = Connect(first_, 1);
  auto const receiver = Connect(*second_, 2);
  twins_.SetRelay(2, "ws:/127.0.0.1:1_ws:/" + second_->domain());
  for (int i = 0; i < 4; ++i) {
    asker->SendBinary(SignedBytes(Request(std::to_string(i))));
    auto const envelope = receiver->ReceiveEnvelope();
    ASSERT_TRUE(envelope.has_value());
    EXPECT_EQ(envelope->uid, std::to_string(i));
  }
}

TEST_F(FederationTest, IsNotHeldUpByARelayThatIsAway) {
  // Accepts connections and never answers.
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor silent(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
  twins_.Add(3, fmt::format("ws:/127.0.0.1:{}", silent.local_endpoint().port()));
  auto const asker = Connect(first_, 1);
  auto const receiver = Connect(*second_, 2);
  for (int i = 0; i < 100; ++i)
    asker->SendBinary(SignedBytes(RequestOf({1, {}}, {3, {}}, "stuck", first_.now())));
  asker->SendBinary(SignedBytes(Request("through")));
  // Held up, it would expire: what is stuck keeps those who deliver it until then.
  auto const envelope = receiver->ReceiveEnvelope();
  ASSERT_TRUE(envelope.has_value());
  EXPECT_EQ(envelope->uid, "through");
}

}  // namespace
}  // namespace trellis::rmb
