#include "kernel/engine/outbox.hpp"

#include "kernel/base/fail_point.hpp"
#include "kernel/base/log.hpp"
#include "kernel/sys/sysinfo.hpp"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <limits>

namespace trellis::engine {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t kBatch = 500;  // rows in one call of the ledger
constexpr std::chrono::minutes kUptime(40);
constexpr std::chrono::minutes kSample(5);
constexpr std::chrono::seconds kGather(1);  // more may follow soon: tell it in one call
constexpr std::int64_t kShortestPause = 1;  // seconds
constexpr std::int64_t kLongestPause = 300;

std::int64_t Ns(nanoseconds time) {
  return time.count();
}

/// 1 s, 2 s, 4 s … at most 5 min.
std::int64_t PauseSeconds(std::uint32_t failures) {
  constexpr std::uint32_t kMaxDoublings = 9;
  return std::min(kShortestPause << std::min(failures, kMaxDoublings), kLongestPause);
}

bool IsAway(Error const& error) {
  return error.code == Code::kUnavailable || error.code == Code::kTimeout ||
         error.code == Code::kIo || error.code == Code::kBusy;
}

}  // namespace

Outbox::Outbox(Context const& context)
    : context_(context), consumption_(context), changed_(context.clock, mutex_) {}

Outbox::~Outbox() {
  if (subscription_ != 0) context_.events.Unsubscribe(subscription_);
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Outbox::Start() {
  subscription_ = context_.events.Subscribe([this](StateEvent const&) {
    std::lock_guard const lock(mutex_);
    if (std::exchange(news_, true)) return;
    changed_.NotifyAll();
  });
  thread_ = std::jthread([this] {
    (void)::pthread_setname_np(::pthread_self(), "outbox");
    Loop();
  });
}

void Outbox::Loop() {
  std::int64_t again_ns = 0;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.WaitUntil(lock, again_ns, [this] { return stopping_ || news_; });
      auto const gathered = context_.clock.MonotonicNs() + Ns(kGather);
      if (news_ && again_ns != 0) changed_.WaitUntil(lock, gathered, [this] { return stopping_; });
      if (stopping_) return;
      news_ = false;
    }
    again_ns = RunDue();
  }
}

std::int64_t Outbox::RunDue() {
  auto const now_ns = context_.clock.MonotonicNs();
  Chores(now_ns);
  auto next = std::min(next_uptime_ns_, next_sample_ns_);
  if (now_ns < resume_ns_ || !SendDue()) return std::min(next, resume_ns_);
  auto const now = context_.clock.UnixSeconds();
  auto const stats =
      context_.readers.Run([now](store::Database& db) { return store::ReadOutboxStats(db, now); });
  if (!stats) return std::min(next, now_ns + Ns(std::chrono::seconds(kLongestPause)));
  if (stats->next_try != 0)
    next = std::min(next, now_ns + Ns(std::chrono::seconds(stats->next_try - now)));
  return next;
}

void Outbox::Chores(std::int64_t now_ns) {
  if (now_ns >= next_uptime_ns_) {
    next_uptime_ns_ = now_ns + Ns(kUptime);
    store::OutboxRow row;
    row.kind = store::OutboxKind::kUptime;
    row.created = context_.clock.UnixSeconds();
    auto const stored =
        context_.writer.Commit([&](store::Database& db) { return store::AddOutbox(db, row); });
    if (!stored) log::Error("cannot note the node's uptime", {{"error", stored.error()}});
  }
  if (now_ns >= next_sample_ns_) {
    next_sample_ns_ = now_ns + Ns(kSample);
    auto counted = consumption_.Sample();
    if (counted) counted = consumption_.CloseWindow();
    if (!counted) log::Error("cannot count traffic, retrying", {{"error", counted.error()}});
  }
}

bool Outbox::SendDue() {
  while (true) {
    auto const now = context_.clock.UnixSeconds();
    auto rows = context_.readers.Run(
        [now](store::Database& db) { return store::DueOutbox(db, now, kBatch); });
    if (!rows) return Trouble(rows.error());
    if (rows->empty()) return true;
    std::array<Rows, 3> kinds;
    for (auto& row : *rows)
      kinds.at(static_cast<std::size_t>(row.kind) - 1).push_back(row);
    for (auto const& kind : kinds) {
      if (!kind.empty() && !Send(kind)) return false;
    }
    std::lock_guard const lock(mutex_);
    if (stopping_) return true;
  }
}

bool Outbox::Trouble(Error const& error) {
  log::Error("the store cannot keep reports, retrying", {{"error", error}});
  resume_ns_ = context_.clock.MonotonicNs() + Ns(std::chrono::seconds(kLongestPause));
  return false;
}

bool Outbox::Send(Rows const& rows) {
  auto const done = Submit(rows);
  if (done) {
    TRELLIS_KILL_POINT("outbox.sent");
    away_ = 0;
    return Forget(rows);
  }
  ++failed_;
  if (IsAway(done.error())) {
    auto const pause = PauseSeconds(away_++);
    resume_ns_ = context_.clock.MonotonicNs() + Ns(std::chrono::seconds(pause));
    if (away_ == 1) log::Warn("the ledger takes no reports, retrying", {{"error", done.error()}});
    return false;
  }
  if (rows.size() > 1) {  // one of them is refused: the others must not suffer
    return std::all_of(rows.begin(), rows.end(), [this](auto const& row) { return Send({row}); });
  }
  log::Warn("the ledger refuses a report, retrying",
            {{"contract", rows.front().contract}, {"error", done.error()}});
  return Delay(rows.front());
}

Result<void> Outbox::Submit(Rows const& rows) {
  switch (rows.front().kind) {
    case store::OutboxKind::kResources:
      return SubmitResources(rows);
    case store::OutboxKind::kNru:
      return SubmitNru(rows);
    case store::OutboxKind::kUptime:
      return SubmitUptime();
  }
  return Fail(Code::kInternal, "unknown report");
}

Result<void> Outbox::SubmitResources(Rows const& rows) {
  ledger::ReportResources call;
  TRELLIS_CHECK(context_.readers.Run([&](store::Database& db) -> Result<void> {
    for (auto const& row : rows) {
      TRELLIS_TRY(auto const used, store::UsedByDeployment(db, {row.twin, row.contract}));
      if (!used.has_value()) continue;  // removed since: the ledger knows
      call.resources.push_back({row.contract, used->hru, used->sru, used->cru, used->mru});
    }
    return {};
  }));
  if (call.resources.empty()) return {};
  TRELLIS_CHECK(context_.ledger.Submit({.twin = context_.options.node_twin}, call));
  return {};
}

Result<void> Outbox::SubmitNru(Rows const& rows) {
  ledger::ReportNru call;
  for (auto const& row : rows) {
    auto const end = static_cast<std::uint64_t>(row.start + row.window);
    call.reports.push_back({row.contract, end, static_cast<std::uint64_t>(row.window), row.nru});
  }
  TRELLIS_CHECK(context_.ledger.Submit({.twin = context_.options.node_twin}, call));
  return {};
}

Result<void> Outbox::SubmitUptime() {
  // What counts is the time at which it is told.
  ledger::ReportUptime const call{sys::UptimeSeconds(), context_.clock.UnixSeconds()};
  TRELLIS_CHECK(context_.ledger.Submit({.twin = context_.options.node_twin}, call));
  return {};
}

bool Outbox::Forget(Rows const& rows) {
  auto const erased = context_.writer.Commit([&](store::Database& db) -> Result<void> {
    for (auto const& row : rows)
      TRELLIS_CHECK(store::EraseOutbox(db, row));
    return {};
  });
  sent_ += rows.size();
  // Told again, the ledger takes the same and nothing changes.
  return erased || Trouble(erased.error());
}

bool Outbox::Delay(store::OutboxRow row) {
  row.next_try = context_.clock.UnixSeconds() + PauseSeconds(row.attempts);
  ++row.attempts;
  auto const stored =
      context_.writer.Commit([&](store::Database& db) { return store::DelayOutbox(db, row); });
  return stored || Trouble(stored.error());
}

}  // namespace trellis::engine
