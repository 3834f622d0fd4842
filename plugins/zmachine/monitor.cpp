#include "plugins/zmachine/monitor.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace trellis::plugins::zmachine {
namespace {

constexpr std::chrono::seconds kSweepEvery{10};
constexpr std::size_t kMaxEvents = 10000;  // more are found by the sweep
constexpr std::size_t kLogTail = 2048;
constexpr char const* kKeyPrefix = "watch:";

std::string Key(std::string const& id) {
  return kKeyPrefix + id;
}

std::string Printable(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return (c < ' ' && c != '\n') || c == '\x7f'; }, ' ');
  return text;
}

}  // namespace

Monitor::Monitor(Host const& host, Machines& machines, Settings const& settings, Now now)
    : host_(host),
      machines_(&machines),
      rules_{settings.crash_count, std::chrono::seconds(settings.crash_window_s),
             std::chrono::seconds(settings.reboot_quick_s)},
      log_max_(settings.log_max),
      log_keep_(settings.log_keep),
      now_(std::move(now)) {}

Monitor::~Monitor() {
  Stop();
}

void Monitor::Start() {
  Load();
  thread_ = std::jthread([this](std::stop_token const& stop) {
    pthread_setname_np(pthread_self(), "vm-monitor");
    Run(stop);
  });
}

void Monitor::Stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Monitor::Load() {
  auto const launched = machines_->Launched();
  auto const keys = host_.StoreList(kKeyPrefix);
  if (!keys) return;
  for (auto const& key : *keys) {
    std::string const id = key.substr(std::string_view(kKeyPrefix).size());
    auto const text = host_.StoreGet(key);
    auto const watched = text ? json::Parse<Watched>(*text) : Result<Watched>(Watched());
    // After a reboot there are no descriptions; the engine provisions anew.
    if (!watched || std::ranges::find(launched, id) == launched.end()) {
      (void)host_.StoreRemove(key);
      continue;
    }
    std::lock_guard const lock(mutex_);
    watched_[id] = *watched;
  }
}

void Monitor::Save(std::string const& id, Watched const& watched) const {
  auto const saved = host_.StorePut(Key(id), json::Dump(watched));
  if (!saved)
    host_.Warn("machine counts not stored, kept in memory",
               {{"id", json::Encode(id)}, {"error", json::Encode(saved.error().message)}});
}

void Monitor::Watch(std::string const& id, bool paused, bool fresh) {
  std::unique_lock lock(mutex_);
  restart_at_.erase(id);
  auto& watched = watched_[id];
  if (fresh) watched = Watched();
  watched.paused = paused;
  watched.given_up = false;
  watched.counts.last_start = now_();
  auto const copy = watched;
  lock.unlock();
  Save(id, copy);
}

void Monitor::SetPaused(std::string const& id, bool paused) {
  std::unique_lock lock(mutex_);
  auto const found = watched_.find(id);
  if (found == watched_.end()) return;
  found->second.paused = paused;
  auto const copy = found->second;
  lock.unlock();
  Save(id, copy);
}

void Monitor::Forget(std::string const& id) {
  {
    std::lock_guard const lock(mutex_);
    watched_.erase(id);
    restart_at_.erase(id);
  }
  (void)host_.StoreRemove(Key(id));
}

void Monitor::Post(DomainEvent event) {
  {
    std::lock_guard const lock(mutex_);
    if (events_.size() >= kMaxEvents) return;
    events_.push_back(std::move(event));
  }
  wake_.notify_one();
}

std::optional<Watched> Monitor::Find(std::string const& id) {
  std::lock_guard const lock(mutex_);
  auto const found = watched_.find(id);
  if (found == watched_.end() || found->second.given_up) return std::nullopt;
  return found->second;
}

void Monitor::Run(std::stop_token const& stop) {
  auto next_sweep = std::chrono::steady_clock::now() + kSweepEvery;
  while (!stop.stop_requested()) {
    std::optional<DomainEvent> event;
    {
      std::unique_lock lock(mutex_);
      auto until = next_sweep;
      if (!restart_at_.empty())
        until = std::min(until, std::chrono::steady_clock::now() + std::chrono::seconds(1));
      wake_.wait_until(lock, stop, until, [this] { return !events_.empty(); });
      if (!events_.empty()) {
        event = std::move(events_.front());
        events_.pop_front();
      }
    }
    if (stop.stop_requested()) return;
    if (event) Handle(*event);
    RestartDue();
    if (std::chrono::steady_clock::now() >= next_sweep) {
      Sweep();
      next_sweep = std::chrono::steady_clock::now() + kSweepEvery;
    }
  }
}

void Monitor::Handle(DomainEvent const& event) {
  if (!Find(event.name)) return;
  auto const hold = machines_->TryLock(event.name);
  if (!hold) return;  // somebody is changing it; the sweep looks again
  switch (event.kind) {
    case DomainEvent::Kind::kStarted:
      return;
    case DomainEvent::Kind::kStopped:
    case DomainEvent::Kind::kIoError:
      return Check(event.name);
    case DomainEvent::Kind::kRebooted:
      return CountReboot(event.name);
  }
}

void Monitor::Sweep() {
  std::vector<std::string> ids;
  {
    std::lock_guard const lock(mutex_);
    for (auto const& [id, watched] : watched_) {
      if (!watched.given_up && !restart_at_.contains(id)) ids.push_back(id);
    }
  }
  for (auto const& id : ids) {
    auto const hold = machines_->TryLock(id);
    if (hold) Check(id);
  }
  RotateLogs();
}

void Monitor::Check(std::string const& id) {
  if (!Find(id)) return;  // forgotten before the lock was ours
  auto const domain = machines_->hypervisor().Find(id);
  if (domain && domain->state != Domain::State::kEnding) return CheckRunning(id, *domain);
  if (!domain && domain.error().code != Code::kNotFound) {
    host_.Warn("machine not seen, trying again with the next sweep",
               {{"id", json::Encode(id)}, {"error", json::Encode(domain.error().message)}});
    return;
  }
  if (!domain) CountStop(id);
}

void Monitor::CheckRunning(std::string const& id, Domain const& domain) {
  if (domain.io_error) {
    (void)host_.ReportObserved(id, Observed::Drifted("paused: I/O error"));
    if (auto const done = machines_->hypervisor().Resume(id); !done)
      host_.Warn("machine not resumed after an I/O error",
                 {{"id", json::Encode(id)}, {"error", json::Encode(done.error().message)}});
    return;
  }
  auto const launch = machines_->Files(id).ReadLaunch();
  if (!launch || !machines_->ShareIsDead(*launch, domain)) return;
  host_.Warn("file server of a machine has ended, restarting the machine",
             {{"id", json::Encode(id)}});
  if (auto const done = machines_->hypervisor().Destroy(id); done) CountStop(id);
}

bool Monitor::Counted(std::string const& id, CrashWindow const& window, bool give_up) {
  Watched copy;
  {
    std::lock_guard const lock(mutex_);
    auto const found = watched_.find(id);
    if (found == watched_.end()) return false;
    found->second.counts = window.counts();
    found->second.given_up = give_up;
    copy = found->second;
  }
  Save(id, copy);
  if (!give_up) return true;
  auto const reason =
      fmt::format("vm crashed {} times in {} minutes: {}", rules_.limit,
                  std::chrono::duration_cast<std::chrono::minutes>(rules_.window).count(),
                  Printable(ReadTail(machines_->Files(id).log(), kLogTail)));
  host_.Warn("machine given up", {{"id", json::Encode(id)}});
  if (auto const done = host_.ReportFailed(id, reason); !done)
    host_.Error("failed machine not reported",
                {{"id", json::Encode(id)}, {"error", json::Encode(done.error().message)}});
  return false;
}

void Monitor::CountStop(std::string const& id) {
  auto const watched = Find(id);
  if (!watched) return;
  CrashWindow window(rules_, watched->counts);
  bool const give_up = window.Stopped(now_());
  if (!Counted(id, window, give_up)) return;
  host_.Warn("machine has ended, restarting it",
             {{"id", json::Encode(id)}, {"delay_s", std::int64_t{window.RestartDelay().count()}}});
  std::lock_guard const lock(mutex_);
  restart_at_[id] = now_() + window.RestartDelay().count();
}

void Monitor::CountReboot(std::string const& id) {
  auto const watched = Find(id);
  if (!watched) return;
  CrashWindow window(rules_, watched->counts);
  bool const give_up = window.Rebooted(now_());
  (void)Counted(id, window, give_up);
  if (!give_up) return;
  if (auto const done = machines_->hypervisor().Destroy(id); !done)
    host_.Warn("machine in a reboot loop not stopped",
               {{"id", json::Encode(id)}, {"error", json::Encode(done.error().message)}});
}

void Monitor::RestartDue() {
  std::vector<std::string> due;
  {
    std::lock_guard const lock(mutex_);
    for (auto const& [id, at] : restart_at_) {
      if (at <= now_()) due.push_back(id);
    }
  }
  for (auto const& id : due) {
    auto const hold = machines_->TryLock(id);
    if (hold) Restart(id);
  }
}

void Monitor::Restart(std::string const& id) {
  {
    std::lock_guard const lock(mutex_);
    if (restart_at_.erase(id) == 0) return;  // forgotten or provisioned meanwhile
  }
  auto const watched = Find(id);
  auto const launch = machines_->Files(id).ReadLaunch();
  if (!watched || !launch) return;
  auto const done = machines_->Start(*launch, watched->paused);
  if (!done && done.error().code != Code::kExists) {
    host_.Warn("machine not restarted",
               {{"id", json::Encode(id)}, {"error", json::Encode(done.error().message)}});
    return CountStop(id);
  }
  std::lock_guard const lock(mutex_);
  auto const found = watched_.find(id);
  if (found != watched_.end()) found->second.counts.last_start = now_();
}

void Monitor::RotateLogs() {
  std::vector<std::string> ids;
  {
    std::lock_guard const lock(mutex_);
    for (auto const& entry : watched_)
      ids.push_back(entry.first);
  }
  for (auto const& id : ids) {
    auto const done = RotateLog(machines_->Files(id).log(), log_max_, log_keep_);
    if (!done)
      host_.Warn("console log not rotated",
                 {{"id", json::Encode(id)}, {"error", json::Encode(done.error().message)}});
  }
}

}  // namespace trellis::plugins::zmachine
