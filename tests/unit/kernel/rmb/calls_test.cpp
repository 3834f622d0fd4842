#include "kernel/rmb/calls.hpp"

#include "kernel/rmb/outbox.hpp"

#include <gtest/gtest.h>

namespace trellis::rmb {
namespace {

using End = Calls::End;
using std::chrono::seconds;

constexpr Calls::Time kStart{};

class CallsTest : public ::testing::Test {
 protected:
  bool Add(std::string const& uid, std::uint32_t twin, seconds life = seconds(10)) {
    return calls_.Add(uid, twin, kStart + life, [this, uid](End end, IncomingAnswer const& answer) {
      ends_.emplace_back(end, uid + answer.payload);
    });
  }
  void Settle(std::uint32_t from, std::string const& uid) {
    calls_.Settle({from, uid, std::nullopt, "!"});
  }
  Calls calls_;
  std::vector<std::pair<End, std::string>> ends_;
};

TEST_F(CallsTest, GiveAnAnswerToWhoAskedOnce) {
  EXPECT_TRUE(Add("a", 7));
  EXPECT_FALSE(Add("a", 7));
  EXPECT_TRUE(calls_.Expects("a", 7));
  EXPECT_TRUE(calls_.Expects("a", 0));
  EXPECT_FALSE(calls_.Expects("a", 8));
  Settle(8, "a");
  Settle(7, "b");
  EXPECT_TRUE(ends_.empty());
  Settle(7, "a");
  Settle(7, "a");
  EXPECT_EQ(ends_, (std::vector<std::pair<End, std::string>>{{End::kAnswered, "a!"}}));
}

TEST_F(CallsTest, EndWhenTheirTimeIsOver) {
  EXPECT_TRUE(Add("late", 7, seconds(20)));
  EXPECT_TRUE(Add("soon", 7, seconds(10)));
  EXPECT_EQ(calls_.Expire(kStart + seconds(9)), kStart + seconds(10));
  EXPECT_EQ(calls_.Expire(kStart + seconds(10)), kStart + seconds(20));
  EXPECT_EQ(ends_, (std::vector<std::pair<End, std::string>>{{End::kTimeout, "soon"}}));
  EXPECT_EQ(calls_.Expire(kStart + seconds(20)), std::nullopt);
}

TEST_F(CallsTest, EndAllWhenThePeerCloses) {
  EXPECT_TRUE(Add("a", 7));
  calls_.Close();
  EXPECT_EQ(ends_, (std::vector<std::pair<End, std::string>>{{End::kClosed, "a"}}));
  EXPECT_FALSE(Add("b", 7));
}

/// Takes so many parcels.
class CountingLink final : public Link {
 public:
  [[nodiscard]] bool TrySend(Parcel& parcel) override {
    if (room == 0) return false;
    --room;
    sent += parcel.bytes;
    return true;
  }
  void Start(LinkEvents /*events*/) override {}
  void Stop() override {}
  std::size_t room = 0;
  std::string sent;
};

class OutboxTest : public ::testing::Test {
 protected:
  OutboxTest() { outbox_.SetLinks({&first_, &second_}); }
  CountingLink first_;
  CountingLink second_;
  Outbox outbox_;
};

TEST_F(OutboxTest, UsesTheFirstLinkThatTakesAParcel) {
  second_.room = 2;
  outbox_.Send({"a", 100}, nullptr, 0);
  first_.room = 1;
  outbox_.Send({"b", 100}, nullptr, 0);
  first_.room = 1;
  outbox_.Send({"c", 100}, &second_, 0);
  EXPECT_EQ(first_.sent, "b");
  EXPECT_EQ(second_.sent, "ac");
}

TEST_F(OutboxTest, KeepsParcelsInOrderUntilALinkIsReady) {
  outbox_.Send({"a", 100}, nullptr, 0);
  outbox_.Send({"b", 100}, nullptr, 0);
  second_.room = 1;
  outbox_.OnReady(0);
  EXPECT_EQ(second_.sent, "a");
  first_.room = 5;
  outbox_.Send({"c", 100}, nullptr, 0);
  EXPECT_EQ(first_.sent, "");
  outbox_.OnReady(0);
  EXPECT_EQ(first_.sent, "bc");
}

TEST_F(OutboxTest, GivesUpWhatHasExpired) {
  outbox_.Send({"old", 10}, nullptr, 0);
  outbox_.Send({"new", 100}, nullptr, 0);
  first_.room = 5;
  outbox_.OnReady(10);
  EXPECT_EQ(first_.sent, "new");
}

TEST_F(OutboxTest, SendsAgainWhatALostLinkGivesBack) {
  outbox_.Send({"c", 100}, nullptr, 0);
  second_.room = 5;
  outbox_.Return({{"a", 100}, {"b", 100}}, 0);
  EXPECT_EQ(second_.sent, "abc");
}

TEST_F(OutboxTest, LimitsWhatWaits) {
  for (std::size_t i = 0; i < Outbox::kMaxWaiting + 5; ++i)
    outbox_.Send({"x", 100}, nullptr, 0);
  first_.room = SIZE_MAX;
  outbox_.OnReady(0);
  EXPECT_EQ(first_.sent.size(), Outbox::kMaxWaiting);
}

TEST(Backoff, DoublesUpToItsLimitAndStartsAgain) {
  Backoff backoff;
  auto const first = backoff.Next();
  EXPECT_GE(first, Backoff::kFirst * 3 / 4);
  EXPECT_LE(first, Backoff::kFirst * 5 / 4);
  for (int i = 0; i < 10; ++i)
    (void)backoff.Next();
  EXPECT_GE(backoff.Next(), Backoff::kLongest * 3 / 4);
  EXPECT_LE(backoff.Next(), Backoff::kLongest * 5 / 4);
  backoff.Reset();
  EXPECT_LE(backoff.Next(), Backoff::kFirst * 5 / 4);
}

}  // namespace
}  // namespace trellis::rmb
