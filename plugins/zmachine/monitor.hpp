// Keeps wanted machines running: events and a sweep, restarts with delay, gives up on crash loops.
#pragma once

#include "plugins/zmachine/crash_window.hpp"
#include "plugins/zmachine/machines.hpp"
#include "plugins/zmachine/settings.hpp"

#include <trellis/sdk.hpp>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace trellis::plugins::zmachine {

/// What is remembered of a wanted machine, also over restarts of the plugin.
struct Watched {
  bool paused = false;
  bool given_up = false;
  CrashCounts counts;
};
BOOST_DESCRIBE_STRUCT(Watched, (), (paused, given_up, counts))

/// Thread-safe. Watch, SetPaused and Forget are called by the holder of the machine's lock.
class Monitor {
 public:
  using Now = std::function<std::int64_t()>;  ///< seconds since 1970

  Monitor(Host const& host, Machines& machines, Settings const& settings, Now now);
  ~Monitor();
  Monitor(Monitor const&) = delete;
  Monitor& operator=(Monitor const&) = delete;
  Monitor(Monitor&&) = delete;
  Monitor& operator=(Monitor&&) = delete;

  /// Reads what is remembered and starts the thread `vm-monitor`.
  void Start();
  /// Ends the thread; machines go on unwatched.
  void Stop();

  /// From now on the machine is wanted. A fresh one begins with no counts.
  void Watch(std::string const& id, bool paused, bool fresh);
  void SetPaused(std::string const& id, bool paused);
  void Forget(std::string const& id);
  /// May be called by the hypervisor's event thread: only enqueues.
  void Post(DomainEvent event);

  // The thread's work, one round each.
  void Handle(DomainEvent const& event);
  void Sweep();
  void RestartDue();

 private:
  void Run(std::stop_token const& stop);
  void Load();
  void Save(std::string const& id, Watched const& watched) const;
  std::optional<Watched> Find(std::string const& id);
  void Check(std::string const& id);
  void CheckRunning(std::string const& id, Domain const& domain);
  void CountStop(std::string const& id);
  void CountReboot(std::string const& id);
  /// Stores the counts; true when there is to be a restart.
  bool Counted(std::string const& id, CrashWindow const& window, bool give_up);
  void Restart(std::string const& id);
  void RotateLogs();

  Host host_;
  Machines* machines_;  // borrowed, outlives this
  CrashRules rules_;
  std::uint64_t log_max_;
  std::uint64_t log_keep_;
  Now now_;

  std::mutex mutex_;  // guards everything below but thread_
  std::condition_variable_any wake_;
  std::deque<DomainEvent> events_;
  std::map<std::string, Watched> watched_;
  std::map<std::string, std::int64_t> restart_at_;
  std::jthread thread_;
};

}  // namespace trellis::plugins::zmachine
