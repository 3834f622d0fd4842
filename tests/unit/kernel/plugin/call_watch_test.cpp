#include "kernel/plugin/call_watch.hpp"

#include "tests/support/patience.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

namespace trellis::plugin {
namespace {

using namespace std::chrono_literals;

class CallWatchTest : public ::testing::Test {
 protected:
  CallInfo Call(std::chrono::nanoseconds limit, std::chrono::nanoseconds grace = 0ns) {
    CallInfo call;
    call.deadline_ns = MonotonicNs() + limit.count();
    call.grace = grace;
    call.cancel = CancelToken::Make();
    call.lost = &lost_;
    return call;
  }
  bool WasLost() {
    return told_.get_future().wait_for(testing::kPatience) == std::future_status::ready;
  }

  CallWatch watch_;
  std::promise<void> told_;
  LostCallback lost_ = [this] { told_.set_value(); };
};

TEST_F(CallWatchTest, RunsACallOnItsCallersThread) {
  std::thread::id thread;

  EXPECT_TRUE(watch_.Run(Call(1h), [&] { thread = std::this_thread::get_id(); }));

  EXPECT_EQ(thread, std::this_thread::get_id());
}

TEST_F(CallWatchTest, CancelsACallAtItsDeadline) {
  auto const call = Call(1ms, 1h);

  EXPECT_TRUE(watch_.Run(call, [&] {
    while (!call.cancel->cancelled())
      std::this_thread::yield();
  })) << "it came back within its grace";
}

TEST_F(CallWatchTest, GivesUpACallThatDoesNotComeBack) {
  std::promise<void> gate;
  auto const call = Call(1ms, 1ms);
  auto kept = std::async(std::launch::async,
                         [&] { return watch_.Run(call, [&] { gate.get_future().wait(); }); });

  EXPECT_TRUE(WasLost());
  gate.set_value();
  EXPECT_FALSE(kept.get()) << "what comes back late does not count";
}

TEST_F(CallWatchTest, GivesUpACallThatIgnoresItsCancellation) {
  std::promise<void> gate;
  std::promise<void> inside;
  auto const call = Call(1h, 1ms);
  auto kept = std::async(std::launch::async, [&] {
    return watch_.Run(call, [&] {
      inside.set_value();
      gate.get_future().wait();
    });
  });
  inside.get_future().wait();
  call.cancel->Cancel();

  EXPECT_TRUE(WasLost());
  gate.set_value();
  EXPECT_FALSE(kept.get());
}

TEST_F(CallWatchTest, WatchesManyAtOnce) {
  std::atomic<int> back = 0;
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 8; ++i) {
      callers.emplace_back([&] {
        for (int j = 0; j < 1000; ++j)
          back += watch_.Run(Call(1h), [] {}) ? 1 : 0;
      });
    }
  }

  EXPECT_EQ(back, 8000);
}

TEST(Slots, AreFreeAgainWhenTheyAreLeft) {
  auto const slots = Slots::Make(1).value();
  auto first = Slots::Acquire(slots, nullptr, 0ms);
  ASSERT_TRUE(first);
  EXPECT_EQ(Slots::Acquire(slots, nullptr, 0ms).error().code, Code::kBusy);

  first->reset();

  EXPECT_TRUE(Slots::Acquire(slots, nullptr, 0ms));
}

TEST(Slots, AreHandedToThoseWhoWait) {
  auto const slots = Slots::Make(2).value();
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  {
    std::vector<std::jthread> users;
    for (int i = 0; i < 6; ++i) {
      users.emplace_back([&] {
        for (int j = 0; j < 200; ++j) {
          auto const slot = Slots::Acquire(slots, nullptr, testing::kPatience);
          ASSERT_TRUE(slot);
          int const now = ++inside;
          int seen = most;
          while (now > seen && !most.compare_exchange_weak(seen, now)) {
          }
          --inside;
        }
      });
    }
  }

  EXPECT_LE(most, 2);
}

TEST(Slots, AreNotTakenByThoseWhoGaveUp) {
  auto const slots = Slots::Make(1).value();
  auto holder = Slots::Acquire(slots, nullptr, 0ms);
  auto const cancel = CancelToken::Make();
  auto waiting = std::async(
      std::launch::async, [&] { return Slots::Acquire(slots, cancel.get(), testing::kPatience); });
  cancel->Cancel();
  EXPECT_EQ(waiting.get().error().code, Code::kCancelled);

  holder->reset();

  EXPECT_TRUE(Slots::Acquire(slots, nullptr, 0ms));
}

}  // namespace
}  // namespace trellis::plugin
