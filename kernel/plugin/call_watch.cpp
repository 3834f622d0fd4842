#include "kernel/plugin/call_watch.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

namespace trellis::plugin {
namespace {

constexpr std::chrono::seconds kTick(1);
constexpr int kIdleTicks = 10;  // then it sleeps until there is something to watch

/// One call under watch, on its caller's stack.
struct Watched {
  CallInfo const* call = nullptr;
  std::int64_t give_up_ns = INT64_MAX;
  bool lost = false;
  bool told = false;  ///< whoever lost it knows
};

}  // namespace

struct CallWatch::State {
  std::mutex mutex;  // guards everything below
  std::condition_variable changed;
  std::list<Watched*> calls;
  bool sleeping = true;
  bool started = false;
  bool stopping = false;

  /// What became of the calls by now; those to tell about their loss.
  std::vector<Watched*> Look(std::int64_t now) {
    std::vector<Watched*> lost;
    for (auto entry = calls.begin(); entry != calls.end();) {
      auto& watched = **entry;
      auto const& call = *watched.call;
      if (now >= call.deadline_ns && !call.cancel->cancelled()) call.cancel->Cancel();
      if (call.cancel->cancelled())
        watched.give_up_ns = std::min(watched.give_up_ns, now + call.grace.count());
      if (now < watched.give_up_ns) {
        ++entry;
        continue;
      }
      watched.lost = true;
      lost.push_back(&watched);
      entry = calls.erase(entry);
    }
    return lost;
  }

  [[nodiscard]] std::chrono::nanoseconds Pause(std::int64_t now) const {
    std::chrono::nanoseconds pause = kTick;
    for (auto const* watched : calls) {
      auto const next = std::min(watched->call->deadline_ns, watched->give_up_ns);
      if (next > now) pause = std::min(pause, std::chrono::nanoseconds(next - now));
    }
    return pause;
  }

  void Loop() {
    (void)::prctl(PR_SET_NAME, "plug-watch");
    int idle = 0;
    std::unique_lock lock(mutex);
    sleeping = false;
    while (!stopping) {
      idle = calls.empty() ? idle + 1 : 0;
      if (idle > kIdleTicks) {
        sleeping = true;
        changed.wait(lock, [this] { return stopping || !calls.empty(); });
        sleeping = false;
        idle = 0;
      } else {
        (void)changed.wait_for(lock, Pause(MonotonicNs()), [this] { return stopping; });
      }
      auto const lost = Look(MonotonicNs());
      if (lost.empty()) continue;
      lock.unlock();
      for (auto const* watched : lost)
        (*watched->call->lost)();
      lock.lock();
      for (auto* watched : lost)
        watched->told = true;  // from here on its stack belongs to the plugin
      changed.notify_all();
    }
  }
};

CallWatch::CallWatch() : state_(std::make_shared<State>()) {}

CallWatch::~CallWatch() {
  std::unique_lock lock(state_->mutex);
  state_->stopping = true;
  state_->changed.notify_all();
}

bool CallWatch::Run(CallInfo const& call, std::function<void()> const& job) {
  auto const state = state_;  // a call that was given up may outlive the watch
  Watched watched{&call};
  std::list<Watched*> node{&watched};
  {
    std::lock_guard const lock(state->mutex);
    state->calls.splice(state->calls.end(), node);
    if (!std::exchange(state->started, true)) {
      // Detached: it may be telling somebody about a loss when everything ends.
      std::thread([state] { state->Loop(); }).detach();
    }
    if (state->sleeping) state->changed.notify_all();
  }
  job();
  std::unique_lock lock(state->mutex);
  if (watched.lost) {
    state->changed.wait(lock, [&] { return watched.told; });
    return false;
  }
  auto const entry = std::find(state->calls.begin(), state->calls.end(), &watched);
  node.splice(node.end(), state->calls, entry);
  return true;
}

}  // namespace trellis::plugin
