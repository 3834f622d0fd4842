// Calls that run on their caller's own thread, watched from another one.
#pragma once

#include "kernel/plugin/call.hpp"

#include <functional>
#include <memory>

namespace trellis::plugin {

/// No thread is changed and nothing is allocated for a call that comes back in time. One that does
/// not is cancelled at its deadline; when its grace is over too, the caller's thread is given up:
/// `call.lost` is told, and whatever the caller does after it returns must not count. Thread-safe.
class CallWatch {
 public:
  CallWatch();
  /// Calls that were given up may still return later.
  ~CallWatch();
  CallWatch(CallWatch const&) = delete;
  CallWatch& operator=(CallWatch const&) = delete;

  /// Runs `job` here. False: the thread was given up meanwhile. `call.lost` and `call.cancel` are
  /// set. Deadlines are kept to the second.
  bool Run(CallInfo const& call, std::function<void()> const& job);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace trellis::plugin
