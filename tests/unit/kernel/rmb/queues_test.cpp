#include "kernel/rmb/relay/queues.hpp"

#include "kernel/rmb/relay/router.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace trellis::rmb {
namespace {

constexpr std::int64_t kNow = 1000;
constexpr std::int64_t kLater = kNow + 60;

class CountingReader final : public Reader {
 public:
  void Wake() override { ++woken; }
  void Lost(Loss why) override { loss = why; }
  int woken = 0;
  std::optional<Loss> loss;
};

class QueuesTest : public ::testing::Test {
 protected:
  static QueueLimits Limits() {
    QueueLimits limits;
    limits.messages = 10;
    limits.session_bytes = 10 * (kMessageOverhead + 100);
    limits.total_bytes = 20 * (kMessageOverhead + 100);
    return limits;
  }
  void Push(Address const& to, std::string bytes, std::uint32_t source = 1) {
    queues_.Push({to.twin, to.connection}, OneLetter(std::move(bytes), kLater, source), kNow);
  }
  /// What a reader would get.
  std::vector<std::string> Drain(Address const& session, std::int64_t now = kNow) {
    std::vector<std::string> out;
    CountingReader reader;
    auto& mailbox = queues_.Open(session, reader);
    while (queues_.Front(mailbox, now) != nullptr)
      out.push_back(queues_.Pop(mailbox).front().bytes);
    queues_.Close(mailbox);
    return out;
  }

  Queues queues_{Limits()};
  Address const a_{1, std::nullopt};
  Address const b_{2, "name"};
};

TEST_F(QueuesTest, KeepTheOrderOfArrivalForASessionThatIsNotThere) {
  Push(a_, "1");
  Push(b_, "other");
  Push(a_, "2");
  EXPECT_EQ(Drain(a_), (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(Drain(b_), std::vector<std::string>{"other"});
  EXPECT_EQ(queues_.total_bytes(), 0U);
  EXPECT_EQ(queues_.size(), 0U);
}

TEST_F(QueuesTest, TellNoNameAndAnEmptyNameApart) {
  Push({7, std::nullopt}, "none");
  Push({7, ""}, "empty");
  EXPECT_EQ(Drain({7, std::nullopt}), std::vector<std::string>{"none"});
  EXPECT_EQ(Drain({7, ""}), std::vector<std::string>{"empty"});
}

TEST_F(QueuesTest, KeepTheNewestOfOneTwin) {
  for (int i = 0; i < 13; ++i)
    Push(a_, std::to_string(i));
  auto const left = Drain(a_);
  EXPECT_EQ(left.size(), 10U);
  EXPECT_EQ(left.front(), "3");
  EXPECT_EQ(left.back(), "12");
  EXPECT_EQ(queues_.dropped(), 3U);
}

TEST_F(QueuesTest, LetTheTwinThatFillsAQueuePay) {
  Push(a_, "good 1", 5);
  for (int i = 0; i < 100; ++i)
    Push(a_, "flood", 6);
  Push(a_, "good 2", 5);
  for (int i = 0; i < 100; ++i)
    Push(a_, "flood", 6);
  auto const left = Drain(a_);
  EXPECT_EQ(std::count(left.begin(), left.end(), "good 1"), 1);
  EXPECT_EQ(std::count(left.begin(), left.end(), "good 2"), 1);
  EXPECT_LE(left.size(), 10U);
}

TEST_F(QueuesTest, LimitTheBytesOfASession) {
  for (int i = 0; i < 5; ++i)
    Push(a_, std::string(1000, static_cast<char>('0' + i)));
  auto const left = Drain(a_);
  EXPECT_EQ(left.size(), 2U);
  EXPECT_EQ(left.back().front(), '4');
}

TEST_F(QueuesTest, DropFromTheLargestWhenAllIsFull) {
  for (int i = 0; i < 9; ++i)
    Push(a_, std::string(100, 'a'));
  for (std::uint32_t twin = 10; twin < 30; ++twin)
    Push({twin, std::nullopt}, "small");
  EXPECT_LE(queues_.total_bytes(), Limits().total_bytes);
  for (std::uint32_t twin = 10; twin < 18; ++twin)
    EXPECT_EQ(Drain({twin, std::nullopt}).size(), 1U) << twin;
  EXPECT_LT(Drain(a_).size(), 9U);
}

TEST_F(QueuesTest, SkipWhatHasExpired) {
  queues_.Push({1, std::nullopt}, OneLetter("short", kNow + 1, 1), kNow);
  queues_.Push({1, std::nullopt}, OneLetter("long", kNow + 100, 1), kNow);
  EXPECT_EQ(Drain(a_, kNow + 1), std::vector<std::string>{"long"});
}

TEST_F(QueuesTest, SendAgainWhatWasOnTheSocketInPart) {
  CountingReader first;
  auto& mailbox = queues_.Open(a_, first);
  Push(a_, "message");
  EXPECT_EQ(first.woken, 1);
  mailbox.front_sent = 3;
  queues_.Close(mailbox);
  EXPECT_EQ(Drain(a_), std::vector<std::string>{"message"});
}

TEST_F(QueuesTest, GiveASessionToItsNewestReader) {
  CountingReader first;
  CountingReader second;
  queues_.Open(a_, first);
  auto& mailbox = queues_.Open(a_, second);
  Push(a_, "message");
  EXPECT_EQ(first.loss, Loss::kReplaced);
  EXPECT_EQ(first.woken, 0);
  EXPECT_EQ(second.woken, 1);
  queues_.Close(mailbox);
}

TEST_F(QueuesTest, NeverDropWhatIsOnTheSocketInPart) {
  CountingReader reader;
  auto& mailbox = queues_.Open(a_, reader);
  Push(a_, "begun");
  mailbox.front_sent = 2;
  for (int i = 0; i < 30; ++i)
    Push(a_, std::to_string(i));
  EXPECT_EQ(mailbox.messages.front().bytes, "begun");
  EXPECT_FALSE(reader.loss.has_value());
  queues_.Close(mailbox);
  Drain(a_);
}

TEST_F(QueuesTest, TakeTheMailboxFromAReaderThatHoldsTheLastBytes) {
  CountingReader slow;
  auto& mailbox = queues_.Open(a_, slow);
  Push(a_, std::string(5000, 'x'));
  mailbox.front_sent = 100;
  for (std::uint32_t twin = 10; twin < 40; ++twin)
    Push({twin, std::nullopt}, std::string(100, 'y'));
  EXPECT_EQ(slow.loss, Loss::kTooSlow);
  EXPECT_LE(queues_.total_bytes(), Limits().total_bytes);
}

TEST_F(QueuesTest, ForgetQueuesThatNobodyPushesTo) {
  Push(a_, "old");
  queues_.Sweep(kNow + Limits().ttl_s);
  EXPECT_EQ(queues_.size(), 1U);
  queues_.Sweep(kNow + Limits().ttl_s + 1);
  EXPECT_EQ(queues_.size(), 0U);
  EXPECT_EQ(queues_.total_bytes(), 0U);
}

}  // namespace
}  // namespace trellis::rmb
