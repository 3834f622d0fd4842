// The node's performance tasks: run from time to time, their last results kept for clients.
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/engine/answer.hpp"
#include "kernel/plugin/types.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace trellis::api {

struct PerfTask {
  std::string name;
  std::string description;
  std::chrono::seconds first{0};  ///< after the start
  std::chrono::seconds period{std::chrono::hours(6)};
  bool on_demand = false;                    ///< quick: a first question runs it
  std::function<Result<std::string>()> run;  ///< JSON
};

/// Safe for use by several threads once all Add calls are done.
class PerfRegistry {
 public:
  explicit PerfRegistry(Clock& clock) : clock_(clock), started_ns_(clock.MonotonicNs()) {}
  /// Waits for a running task.
  ~PerfRegistry();
  PerfRegistry(PerfRegistry const&) = delete;
  PerfRegistry& operator=(PerfRegistry const&) = delete;

  void Add(PerfTask task);
  /// The tasks that plugins declare as `perf` providers, with options {"description","schedule"};
  /// `schedule`: seconds, or a text such as `90s`, `15m`, `6h`.
  void AddOf(plugin::Plugins& plugins);

  /// Runs what is due on a thread of its own, one task after the other. Never blocks.
  void RunDue();
  /// {"name","description","timestamp","result"} of the task, whose name has no case. 404 `result
  /// not found`.
  engine::Answer Get(std::string_view name);
  /// All results as a list.
  std::string All();

 private:
  struct Entry {
    PerfTask task;
    std::int64_t due_ns = 0;
    bool running = false;
    std::string result;  // TaskResult, "" = never ran
  };
  /// Runs the task unless it runs already; then waits for that.
  void Run(Entry& entry);
  std::string ResultOf(Entry& entry);

  Clock& clock_;
  std::int64_t const started_ns_;
  std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::map<std::string, Entry> entries_;  // by name in lower case
  bool busy_ = false;                     // thread_ runs tasks
  std::jthread thread_;
};

/// `90s`, `15m`, `6h` or seconds alone, at least a minute. kInvalid.
Result<std::chrono::seconds> ParseSchedule(std::string_view text);

}  // namespace trellis::api
