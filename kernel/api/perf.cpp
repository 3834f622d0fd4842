#include "kernel/api/perf.hpp"

#include "kernel/api/router.hpp"
#include "kernel/base/log.hpp"
#include "kernel/base/strings.hpp"

#include <trellis/json.hpp>

#include <pthread.h>

#include <vector>

namespace trellis::api {
namespace {

constexpr std::chrono::minutes kPluginTime(5);
constexpr std::chrono::minutes kPluginFirst(1);
constexpr std::chrono::minutes kShortestPeriod(1);
constexpr std::chrono::hours kLongestPeriod(24 * 30);

struct PerfOptions {
  std::string description;
  json::Value schedule;
};
BOOST_DESCRIBE_STRUCT(PerfOptions, (), (description, schedule))

Result<PerfTask> TaskOf(plugin::ProviderInfo const& provider) {
  TRELLIS_TRY(auto const options,
              json::Parse<PerfOptions>(provider.options.empty() ? std::string_view("{}")
                                                                : provider.options));
  PerfTask task;
  task.name = provider.name;
  task.description = options.description;
  task.first = kPluginFirst;
  if (options.schedule.is_null()) return task;
  auto const text = options.schedule.is_string() ? std::string(options.schedule.as_string())
                                                 : boost::json::serialize(options.schedule);
  TRELLIS_TRY(task.period, ParseSchedule(text));
  return task;
}

std::int64_t Ns(std::chrono::nanoseconds time) {
  return time.count();
}

}  // namespace

Result<std::chrono::seconds> ParseSchedule(std::string_view text) {
  auto const bad = [&] {
    return Fail(Code::kInvalid, "'{}' is no schedule: write 90s, 15m or 6h, at least 1m", text);
  };
  if (text.empty()) return bad();
  std::int64_t unit = 1;
  auto digits = text;
  if (text.back() == 's' || text.back() == 'm' || text.back() == 'h') {
    unit = text.back() == 'h' ? 3600 : text.back() == 'm' ? 60 : 1;
    digits.remove_suffix(1);
  }
  auto const number = strings::ParseNumber<std::uint32_t>(digits);
  if (!number) return bad();
  std::chrono::seconds const period(*number * unit);
  if (period < kShortestPeriod || period > kLongestPeriod) return bad();
  return period;
}

PerfRegistry::~PerfRegistry() {
  std::unique_lock lock(mutex_);
  for (auto& [name, entry] : entries_)
    entry.due_ns = INT64_MAX;  // the thread starts nothing more
  changed_.wait(lock, [this] { return !busy_; });
}

void PerfRegistry::Add(PerfTask task) {
  std::lock_guard const lock(mutex_);
  auto name = strings::ToLower(task.name);
  auto const due = started_ns_ + Ns(task.first);
  entries_.try_emplace(std::move(name), Entry{std::move(task), due, false, {}});
}

void PerfRegistry::AddOf(plugin::Plugins& plugins) {
  for (auto const& provider : plugins.Providers("perf")) {
    auto task = TaskOf(provider);
    if (!task) {
      log::Warn("performance task left out",
                {{"plugin", provider.plugin}, {"task", provider.name}, {"error", task.error()}});
      continue;
    }
    task->run = [&plugins, provider] { return plugins.AskProvider(provider, "{}", kPluginTime); };
    Add(*std::move(task));
  }
}

void PerfRegistry::Run(Entry& entry) {
  {
    std::unique_lock lock(mutex_);
    if (entry.running) return changed_.wait(lock, [&] { return !entry.running; });
    entry.running = true;
  }
  auto const result = entry.task.run();
  std::string text;
  if (result) {
    text = fmt::format(R"({{"name":{},"description":{},"timestamp":{},"result":{}}})",
                       json::Dump(entry.task.name), json::Dump(entry.task.description),
                       clock_.UnixSeconds(), *result);
  } else {
    log::Warn("performance task failed", {{"task", entry.task.name}, {"error", result.error()}});
  }
  std::lock_guard const lock(mutex_);
  if (!text.empty()) entry.result = std::move(text);
  entry.running = false;
  entry.due_ns = std::max(entry.due_ns, clock_.MonotonicNs() + Ns(entry.task.period));
  changed_.notify_all();
}

void PerfRegistry::RunDue() {
  std::lock_guard const lock(mutex_);
  auto const now = clock_.MonotonicNs();
  bool const due = std::any_of(entries_.begin(), entries_.end(),
                               [&](auto const& entry) { return entry.second.due_ns <= now; });
  if (busy_ || !due) return;
  busy_ = true;
  thread_ = std::jthread([this] {
    (void)::pthread_setname_np(::pthread_self(), "perf");
    std::unique_lock own(mutex_);
    for (auto& [name, entry] : entries_) {
      if (entry.due_ns > clock_.MonotonicNs()) continue;
      own.unlock();
      Run(entry);
      own.lock();
    }
    busy_ = false;
    changed_.notify_all();
  });
}

std::string PerfRegistry::ResultOf(Entry& entry) {
  {
    std::lock_guard const lock(mutex_);
    if (!entry.result.empty() || !entry.task.on_demand) return entry.result;
  }
  Run(entry);
  std::lock_guard const lock(mutex_);
  return entry.result;
}

engine::Answer PerfRegistry::Get(std::string_view name) {
  auto const found = entries_.find(strings::ToLower(name));  // no entry is added any more
  auto text = found == entries_.end() ? std::string() : ResultOf(found->second);
  if (text.empty()) return Refuse(404, "result not found");
  return text;
}

std::string PerfRegistry::All() {
  std::vector<std::string> results;
  for (auto& [name, entry] : entries_) {
    if (auto text = ResultOf(entry); !text.empty()) results.push_back(std::move(text));
  }
  return fmt::format("[{}]", fmt::join(results, ","));
}

}  // namespace trellis::api
