// How much may be asked at once, with the node's own limits.
#include "kernel/api/router.hpp"
#include "tests/support/no_plugins.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <latch>
#include <mutex>
#include <set>
#include <thread>

namespace trellis::api {
namespace {

constexpr std::size_t kThreads = 8;         // of the kernel's commands
constexpr std::size_t kPluginThreads = 4;   // of the plugins'
constexpr std::uint32_t kOfEachTwin = 64;   // requests that wait
constexpr std::uint32_t kRequests = 2048;   // of all twins
constexpr std::size_t kBytes = 16U << 20U;  // of all twins

/// Commands of a plugin, as many at once as one likes.
class OwnCommand final : public testing::NoPlugins {
 public:
  std::optional<plugin::CommandInfo> Command(std::string_view name) const override {
    return name == "zos.x.stay"
               ? std::optional(plugin::CommandInfo{.name = "zos.x.stay", .max_parallel = 100})
               : std::nullopt;
  }
  plugin::CommandReply RunCommand(std::string_view, std::uint32_t, std::string_view) override {
    run();
    return "null";
  }
  std::function<void()> run;
};

/// Counts how many are inside at once; the first `kAtOnce` wait for one another there.
class Meeting {
 public:
  explicit Meeting(std::size_t at_once) : together_(static_cast<std::ptrdiff_t>(at_once)) {}
  void Visit() {
    auto const now = ++inside_;
    auto seen = most_.load();
    while (now > seen && !most_.compare_exchange_weak(seen, now)) {
    }
    together_.arrive_and_wait();
    --inside_;
    ++visits_;
  }
  [[nodiscard]] std::size_t most() const { return most_; }
  [[nodiscard]] std::size_t visits() const { return visits_; }

 private:
  std::atomic<std::size_t> inside_{0};
  std::atomic<std::size_t> most_{0};
  std::atomic<std::size_t> visits_{0};
  std::barrier<> together_;
};

TEST(RequestThreads, OfTheKernelAreEight) {
  testing::NoPlugins plugins;
  Meeting meeting(kThreads);
  {
    Router router(plugins, {});
    router.Add("stay", Auth::kAny, [&](Caller const&, std::string_view) {
      meeting.Visit();
      return engine::Answer("null");
    });
    for (std::uint32_t i = 0; i < 10 * kThreads; ++i)
      router.Call({i}, "stay", {}, [](engine::Answer const&) {});
  }

  EXPECT_EQ(meeting.visits(), 10 * kThreads);
  EXPECT_EQ(meeting.most(), kThreads);
}

TEST(RequestThreads, OfPluginsAreFourMore) {
  OwnCommand plugins;
  Meeting meeting(kPluginThreads);
  plugins.run = [&] { meeting.Visit(); };
  {
    Router router(plugins, {});
    for (std::uint32_t i = 0; i < 10 * kPluginThreads; ++i)
      router.Call({i}, "zos.x.stay", {}, [](engine::Answer const&) {});
  }

  EXPECT_EQ(meeting.visits(), 10 * kPluginThreads);
  EXPECT_EQ(meeting.most(), kPluginThreads);
}

/// A node all of whose threads are held up by somebody.
class BusyNode : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kHolder = 1'000'000;

  void SetUp() override {
    router_.Add("stay", Auth::kAny, [this](Caller const&, std::string_view) {
      inside_.count_down();
      release_.wait();
      return engine::Answer("null");
    });
    router_.Add("quick", Auth::kAny,
                [](Caller const&, std::string_view) { return engine::Answer("null"); });
    for (std::uint32_t i = 0; i < kThreads; ++i)
      router_.Call({kHolder + i}, "stay", {}, [](engine::Answer const&) {});
    inside_.wait();
  }
  void TearDown() override { release_.count_down(); }

  /// "" while it waits, or why it is refused.
  std::string Ask(std::uint32_t twin, std::string payload = {}) {
    // What is told later is told to nobody.
    auto const said = std::make_shared<std::string>();
    auto const here = std::this_thread::get_id();
    router_.Call({twin}, "quick", std::move(payload), [said, here](engine::Answer const& answer) {
      if (std::this_thread::get_id() == here)
        *said = fmt::format("{} {}", answer.error().code, answer.error().message);
    });
    return *said;
  }

  testing::NoPlugins plugins_;
  std::latch inside_{kThreads};
  std::latch release_{1};
  Router router_{plugins_, {}};
};

constexpr char const* kBusy = "503 node is busy, try again later";

TEST_F(BusyNode, KeepsSixtyFourRequestsOfATwin) {
  for (std::uint32_t i = 0; i < kOfEachTwin; ++i)
    ASSERT_EQ(Ask(7), "") << i;

  EXPECT_EQ(Ask(7), kBusy);
  EXPECT_EQ(Ask(8), "") << "others are not affected";
}

TEST_F(BusyNode, KeepsTwoThousandRequestsInAll) {
  for (std::uint32_t i = 0; i < kRequests; ++i)
    ASSERT_EQ(Ask(i / kOfEachTwin), "") << i;

  EXPECT_EQ(Ask(kRequests), kBusy);
}

TEST_F(BusyNode, KeepsSixteenMebibytesInAll) {
  std::string const payload(kBytes / 16, ' ');
  for (std::uint32_t i = 0; i < 15; ++i)
    ASSERT_EQ(Ask(i, payload), "") << i;

  EXPECT_EQ(Ask(15, payload), kBusy) << "with its name it is more";
  EXPECT_EQ(Ask(15, payload.substr(100'000)), "");
}

}  // namespace
}  // namespace trellis::api
