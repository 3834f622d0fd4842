#include "kernel/api/perf.hpp"

#include "kernel/api/cpu_benchmark.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/no_plugins.hpp"

#include <trellis/json.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

namespace trellis::api {
namespace {

using std::chrono::seconds;

/// Declares one `perf` provider.
class OneTask final : public testing::NoPlugins {
 public:
  explicit OneTask(std::string options) : options_(std::move(options)) {}
  std::vector<plugin::ProviderInfo> Providers(std::string_view kind) const override {
    return {{std::string(kind), "iperf", "network", options_}};
  }
  Result<std::string> AskProvider(plugin::ProviderInfo const& provider, std::string_view,
                                  std::chrono::milliseconds) override {
    return fmt::format("[\"{}\"]", provider.plugin);
  }

 private:
  std::string options_;
};

class Perf : public ::testing::Test {
 protected:
  PerfTask Task(std::string name, bool on_demand = false) {
    PerfTask task;
    task.name = std::move(name);
    task.description = "counts";
    task.first = seconds(10);
    task.period = seconds(100);
    task.on_demand = on_demand;
    task.run = [this]() -> Result<std::string> {
      ++runs_;
      if (fail_) return Fail(Code::kIo, "no luck");
      return std::to_string(runs_);
    };
    return task;
  }
  /// Runs what is due and waits for its end.
  void RunDue(PerfRegistry& perf) {
    std::latch done(1);
    PerfTask last;
    // Tasks run in the order of their names: after all others, and not in the round before, whose
    // thread may still be at the last marker.
    last.name = fmt::format("zzz{}", 999 - ++markers_);
    last.run = [&done]() -> Result<std::string> {
      done.count_down();
      return "null";
    };
    perf.Add(std::move(last));
    while (!done.try_wait()) {
      perf.RunDue();  // does nothing while the thread of the time before ends
      std::this_thread::yield();
    }
  }

  testing::ManualClock clock_;
  std::atomic<int> runs_ = 0;
  std::atomic<bool> fail_ = false;
  int markers_ = 0;
};

TEST_F(Perf, ShowsTheLastResultOfATaskWhateverTheCaseOfItsName) {
  PerfRegistry perf(clock_);
  perf.Add(Task("CPU-Benchmark"));
  clock_.Advance(10);
  RunDue(perf);

  auto const answer = perf.Get("cpu-BENCHMARK");

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(*answer,
            R"({"name":"CPU-Benchmark","description":"counts","timestamp":1700000010,"result":1})");
}

TEST_F(Perf, HasNoResultOfUnknownTasksNorBeforeTheFirstRun) {
  PerfRegistry perf(clock_);
  perf.Add(Task("known"));

  for (auto const* name : {"unknown", "known", ""}) {
    auto const answer = perf.Get(name);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, 404);
    EXPECT_EQ(answer.error().message, "result not found");
  }
  EXPECT_EQ(perf.All(), "[]");
}

TEST_F(Perf, RunsTasksWhenTheyAreDue) {
  PerfRegistry perf(clock_);
  perf.Add(Task("task"));

  clock_.Advance(9);
  RunDue(perf);
  EXPECT_EQ(runs_, 0);
  clock_.Advance(1);
  RunDue(perf);
  EXPECT_EQ(runs_, 1);
  clock_.Advance(99);
  RunDue(perf);
  EXPECT_EQ(runs_, 1);
  clock_.Advance(1);
  RunDue(perf);
  EXPECT_EQ(runs_, 2);
}

TEST_F(Perf, KeepsTheOldResultOfATaskThatFails) {
  PerfRegistry perf(clock_);
  perf.Add(Task("task"));
  clock_.Advance(10);
  RunDue(perf);
  fail_ = true;
  clock_.Advance(100);
  RunDue(perf);

  EXPECT_EQ(runs_, 2);
  EXPECT_NE(perf.Get("task")->find(R"("result":1})"), std::string::npos);
}

TEST_F(Perf, RunsAQuickTaskForTheFirstQuestionOnly) {
  PerfRegistry perf(clock_);
  perf.Add(Task("quick", /*on_demand=*/true));

  EXPECT_TRUE(perf.Get("quick"));
  EXPECT_TRUE(perf.Get("quick"));
  EXPECT_NE(perf.All(), "[]");
  EXPECT_EQ(runs_, 1);
}

TEST_F(Perf, TakesTasksOfPlugins) {
  OneTask plugins(R"({"description":"measures the line","schedule":"2h"})");
  PerfRegistry perf(clock_);
  perf.AddOf(plugins);
  clock_.Advance(3600);
  RunDue(perf);

  auto const answer = perf.Get("iperf");

  ASSERT_TRUE(answer);
  EXPECT_NE(answer->find(R"("description":"measures the line")"), std::string::npos);
  EXPECT_NE(answer->find(R"("result":["network"])"), std::string::npos);
}

TEST_F(Perf, LeavesOutATaskWithASenselessSchedule) {
  OneTask plugins(R"({"schedule":"sometimes"})");
  PerfRegistry perf(clock_);
  perf.AddOf(plugins);
  clock_.Advance(24 * 3600);
  RunDue(perf);

  EXPECT_FALSE(perf.Get("iperf"));
}

TEST(PerfSchedule, IsSecondsMinutesOrHours) {
  EXPECT_EQ(ParseSchedule("90").value(), seconds(90));
  EXPECT_EQ(ParseSchedule("90s").value(), seconds(90));
  EXPECT_EQ(ParseSchedule("15m").value(), seconds(900));
  EXPECT_EQ(ParseSchedule("6h").value(), seconds(21600));
  for (auto const* bad : {"", "h", "59", "-5m", "6 h", "1d", "99999999h"})
    EXPECT_FALSE(ParseSchedule(bad)) << bad;
}

TEST(CpuBenchmark, ScoresOneThreadAndAll) {
  auto const score = MeasureCpu();
  auto const text = json::ParseValue(CpuScoreJson(score, 7));

  EXPECT_GT(score.single, 0);
  EXPECT_GT(score.multi, 0);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->at("workloads"), 7);
  EXPECT_EQ(text->at("threads").to_number<std::uint64_t>(), score.threads);
}

}  // namespace
}  // namespace trellis::api
