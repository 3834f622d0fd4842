#include "kernel/plugin/plugin_queue.hpp"

#include <gtest/gtest.h>

#include <future>
#include <latch>

namespace trellis::plugin {
namespace {

using std::chrono::milliseconds;

TEST(PluginQueue, DeliversEventsInOrder) {
  PluginQueue queue("test");
  std::vector<int> seen;
  std::promise<void> done;
  for (int i = 0; i < 10; ++i)
    queue.PostEvent([&seen, i] { seen.push_back(i); });
  queue.PostEvent([&done] { done.set_value(); });
  done.get_future().wait();
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(PluginQueue, DropsTheOldestEventWhenFull) {
  PluginQueue queue("test");
  std::latch blocked(1);
  std::latch running(1);
  queue.PostEvent([&] {
    running.count_down();
    blocked.wait();
  });
  running.wait();
  for (std::size_t i = 0; i < kMaxQueuedEvents + 3; ++i)
    queue.PostEvent([] {});
  EXPECT_EQ(queue.dropped(), 3U);
  blocked.count_down();
}

TEST(PluginQueue, RepeatsATaskUntilItIsCancelled) {
  PluginQueue queue("test");
  std::latch three(3);
  std::atomic<int> runs = 0;
  auto const task = queue.Schedule(milliseconds(0), milliseconds(1), [&] {
    if (++runs <= 3) three.count_down();
  });
  three.wait();
  queue.Cancel(task);
  int const after = runs;
  std::promise<void> done;
  queue.PostEvent([&] { done.set_value(); });
  done.get_future().wait();
  EXPECT_EQ(runs, after);
}

TEST(PluginQueue, RefusesWorkOnceStopped) {
  PluginQueue queue("test");
  queue.Stop();
  EXPECT_EQ(queue.Schedule(milliseconds(0), milliseconds(0), [] {}), 0U);
}

}  // namespace
}  // namespace trellis::plugin
