#include "kernel/rmb/relay/router.hpp"

#include "tests/support/bus/clock.hpp"
#include "tests/support/bus/twins.hpp"

#include <gtest/gtest.h>

namespace trellis::rmb {
namespace {

using testing::BusTwins;
using testing::RequestOf;
using testing::SignedBytes;

class NullReader final : public Reader {
 public:
  void Wake() override {}
  void Lost(Loss /*loss*/) override {}
};

class RouterTest : public ::testing::Test, public Outbound {
 protected:
  RouterTest() {
    twins_.Add(1, "local.example");
    twins_.Add(2, "local.example");
    twins_.Add(3, "other.example_third.example");
    twins_.Add(4, "");
    for (std::uint32_t twin = 1; twin <= 5; ++twin)
      (void)cache_.Get(twin);
    router_.SetOwnDomains({"local.example", "127.0.0.1:8080", "localhost"});
  }
  Result<void> Send(OutboundMessage message) override {
    sent_.push_back(std::move(message));
    return {};
  }
  Router::Step Route(Address const& from, Envelope const& envelope) {
    auto letter = OneLetter(SerializeEnvelope(envelope), 0, 0);
    return router_.Route(from, letter, now()).step;
  }
  [[nodiscard]] std::int64_t now() const { return clock_.UnixSeconds(); }
  /// Messages that wait for the session, taken out.
  std::vector<Envelope> Waiting(Address const& session) {
    std::vector<Envelope> out;
    auto* const mailbox = queues_.Find({session.twin, session.connection});
    while (mailbox != nullptr && queues_.Front(*mailbox, now()) != nullptr)
      out.push_back(ParseEnvelope(queues_.Pop(*mailbox).front().bytes).value());
    return out;
  }
  /// The one error that waits for the session.
  std::string ReportTo(Address const& session) {
    auto const waiting = Waiting(session);
    if (waiting.size() != 1) return fmt::format("{} messages", waiting.size());
    auto const& report = waiting.front();
    auto const* const error = std::get_if<ErrorReport>(&report.message);
    bool const form = error != nullptr && error->code == 0 && report.uid == "uid" &&
                      !report.source.has_value() && !report.signature.has_value() &&
                      report.destination == session && report.expiration == 300;
    return form ? error->message : "not a relay's report";
  }

  testing::FakeClock clock_;
  BusTwins twins_;
  TwinCache cache_{twins_, {}, clock_};
  Queues queues_{{}};
  RelayCounters counters_;
  MemoryDelivery delivery_{queues_, counters_, clock_};
  RateLimit limit_{RelayRateLimit{10, 10000}};
  Router router_{{cache_, queues_, delivery_, *this, limit_}};
  std::vector<OutboundMessage> sent_;
  Address const from_{1, "s"};
};

TEST_F(RouterTest, QueuesForAnAbsentSessionOfItsOwnTwins) {
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(Route(from_, RequestOf(from_, {2, {}}, std::to_string(i), now())),
              Router::Step::kDone);
  auto const waiting = Waiting({2, {}});
  ASSERT_EQ(waiting.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_EQ(waiting[i].uid, std::to_string(i));
  EXPECT_EQ(counters_.rx, 5U);
}

TEST_F(RouterTest, ReportsWrongSources) {
  (void)Route(from_, RequestOf({2, "s"}, {2, {}}, "uid", now()));
  EXPECT_EQ(ReportTo(from_), "message wrong source");
  (void)Route(from_, RequestOf({1, {}}, {2, {}}, "uid", now()));
  EXPECT_EQ(ReportTo(from_), "message wrong source");
  (void)Route(from_, RequestOf({1, "other"}, {2, {}}, "uid", now()));
  EXPECT_EQ(ReportTo(from_), "message wrong source");
  auto without = RequestOf(from_, {2, {}}, "uid", now());
  without.source.reset();
  (void)Route(from_, without);
  EXPECT_EQ(ReportTo(from_), "message wrong source");
  EXPECT_TRUE(Waiting({2, {}}).empty());
}

TEST_F(RouterTest, ReportsDestinationsItCannotReach) {
  auto request = RequestOf(from_, {0, {}}, "uid", now());
  (void)Route(from_, request);
  EXPECT_EQ(ReportTo(from_), "message with missing destination");
  request.destination.reset();
  (void)Route(from_, request);
  EXPECT_EQ(ReportTo(from_), "message with missing destination");
  (void)Route(from_, RequestOf(from_, {5, {}}, "uid", now()));
  EXPECT_EQ(ReportTo(from_), "unknown twin destination");
  (void)Route(from_, RequestOf(from_, {4, {}}, "uid", now()));
  EXPECT_EQ(ReportTo(from_), "relay info is not set for this twin");
}

TEST_F(RouterTest, IsSilentAboutAnythingButRequests) {
  auto response = RequestOf(from_, {5, {}}, "uid", now());
  response.message = Response{};
  (void)Route(from_, response);
  response.message = ErrorReport{1, "text"};
  (void)Route(from_, response);
  EXPECT_TRUE(Waiting(from_).empty());
}

TEST_F(RouterTest, FailsFastOnlyWhenAskedTo) {
  auto request = RequestOf(from_, {2, {}}, "uid", now());
  request.tags = "a, fail-fast";
  (void)Route(from_, request);
  EXPECT_EQ(ReportTo(from_), "destination offline");
  for (auto const* tags : {"Fail-Fast", "fail-fast-not", "xfail-fast"}) {
    request.tags = tags;
    (void)Route(from_, request);
    EXPECT_EQ(Waiting({2, {}}).size(), 1U) << tags;
  }
  NullReader reader;
  auto& mailbox = queues_.Open({2, {}}, reader);
  request.tags = "fail-fast";
  (void)Route(from_, request);
  EXPECT_EQ(mailbox.messages.size(), 1U);
  queues_.Close(mailbox);
}

TEST_F(RouterTest, HandsTwinsOfOtherRelaysOver) {
  auto const request = RequestOf(from_, {3, {}}, "uid", now());
  (void)Route(from_, request);
  ASSERT_EQ(sent_.size(), 1U);
  EXPECT_EQ(sent_[0].bytes, SerializeEnvelope(request));
  EXPECT_EQ(sent_[0].domains, (std::vector<std::string>{"other.example", "third.example"}));
  EXPECT_EQ(sent_[0].sender, from_);
  EXPECT_TRUE(sent_[0].is_request);
}

TEST_F(RouterTest, KnowsItsOwnNamesHoweverTheyAreWritten) {
  for (auto const* relay :
       {"127.0.0.1:8080", "ws:/127.0.0.1:8080", "ws://127.0.0.1:8080/", "localhost", "LOCALHOST:99",
        "x.example_localhost", "local.example:8443"}) {
    twins_.SetRelay(2, relay);
    cache_.Forget(2);
    (void)cache_.Get(2);
    (void)Route(from_, RequestOf(from_, {2, {}}, "uid", now()));
    EXPECT_EQ(Waiting({2, {}}).size(), 1U) << relay;
    clock_.Advance(60);  // a new window of the rate limit
    (void)cache_.Get(2);
  }
  EXPECT_TRUE(sent_.empty());
}

TEST_F(RouterTest, NeverLooksUpASessionThatIsHere) {
  NullReader reader;
  auto& mailbox = queues_.Open({9, {}}, reader);
  auto const before = twins_.lookups();
  EXPECT_EQ(Route(from_, RequestOf(from_, {9, {}}, "uid", now())), Router::Step::kDone);
  EXPECT_EQ(twins_.lookups(), before);
  EXPECT_EQ(mailbox.messages.size(), 1U);
  queues_.Close(mailbox);
}

TEST_F(RouterTest, AsksForTwinsItDoesNotKnowAndKeepsTheMessage) {
  twins_.Add(6, "local.example");
  auto letter = OneLetter(SerializeEnvelope(RequestOf(from_, {6, {}}, "uid", now())), 0, 0);
  auto const routed = router_.Route(from_, letter, now());
  EXPECT_EQ(routed.step, Router::Step::kLookUp);
  EXPECT_EQ(routed.twin, 6U);
  ASSERT_EQ(letter.size(), 1U);
  EXPECT_EQ(router_.Route(from_, letter, now(), {cache_.Get(6)}).step, Router::Step::kDone);
  EXPECT_EQ(Waiting({6, {}}).size(), 1U);
}

TEST_F(RouterTest, ReportsALedgerThatIsAway) {
  auto letter = OneLetter(SerializeEnvelope(RequestOf(from_, {6, {}}, "uid", now())), 0, 0);
  twins_.SetAway(true);
  (void)router_.Route(from_, letter, now(), {cache_.Get(6)});
  EXPECT_EQ(ReportTo(from_), "failed to look up the destination, try again later");
}

TEST_F(RouterTest, LimitsTheRateOfATwinOverAllItsSessions) {
  for (int i = 0; i < 9; ++i)
    (void)Route(from_, RequestOf(from_, {2, {}}, "uid", now()));
  Address const other{1, "t"};
  (void)Route(other, RequestOf(other, {2, {}}, "uid", now()));
  EXPECT_EQ(Waiting({2, {}}).size(), 10U);
  (void)Route(other, RequestOf(other, {2, {}}, "uid", now()));
  EXPECT_EQ(ReportTo(other), "exceeded rate limits, dropping message");
  EXPECT_TRUE(Waiting({2, {}}).empty());
  clock_.Advance(60);
  (void)Route(other, RequestOf(other, {2, {}}, "uid", now()));
  EXPECT_EQ(Waiting({2, {}}).size(), 1U);
}

TEST(RateLimit, FailsALargeMessageWithoutCountingIt) {
  RateLimit limit(RelayRateLimit{1, 100});
  EXPECT_FALSE(limit.Admit(1, 101, 0));
  EXPECT_TRUE(limit.Admit(1, 100, 0));
  EXPECT_FALSE(limit.Admit(1, 1, 59));
  EXPECT_TRUE(limit.Admit(2, 1, 59));
  EXPECT_TRUE(limit.Admit(1, 1, 60));
}

TEST_F(RouterTest, RefusesBytesThatAreNoEnvelope) {
  auto letter = OneLetter("\xff", 0, 0);
  EXPECT_EQ(router_.Route(from_, letter, now()).step, Router::Step::kMalformed);
}

TEST_F(RouterTest, ForwardsTheReceivedBytesUnchanged) {
  auto bytes =
      SignedBytes(RequestOf(from_, {2, {}}, "uid", now())) + "\xa0\x06\x07";  // unknown field
  auto const copy = bytes;
  auto letter = OneLetter(std::move(bytes), 0, 0);
  (void)router_.Route(from_, letter, now());
  EXPECT_EQ(queues_.Find({2, {}})->messages.front().bytes, copy);
}

TEST(Expiry, NeverWraps) {
  EnvelopeView envelope;
  envelope.timestamp = 10;
  envelope.expiration = 20;
  EXPECT_EQ(ExpiryOf(envelope), 30);
  envelope.timestamp = UINT64_MAX;
  EXPECT_EQ(ExpiryOf(envelope), INT64_MAX);
  envelope.timestamp = UINT64_MAX / 2 + 1;
  envelope.expiration = 0;
  EXPECT_EQ(ExpiryOf(envelope), INT64_MAX);
}

}  // namespace
}  // namespace trellis::rmb
