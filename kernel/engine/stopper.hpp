// Asks a running job to stop.
#pragma once

#include "kernel/plugin/types.hpp"

#include <memory>
#include <mutex>

namespace trellis::engine {

/// Shared by the job and those who may stop it. Every plugin call has a token of its own: a call
/// that runs out of time must not stop the ones after it. Safe for use by several threads.
class Stopper {
 public:
  /// The call under way is cancelled; no further one should begin.
  void Stop() {
    std::shared_ptr<plugin::CancelToken> call;
    {
      std::lock_guard const lock(mutex_);
      stopped_ = true;
      call = call_;
    }
    if (call != nullptr) call->Cancel();
  }
  [[nodiscard]] bool stopped() const {
    std::lock_guard const lock(mutex_);
    return stopped_;
  }
  /// The token for the next call.
  std::shared_ptr<plugin::CancelToken> NewCall() {
    auto call = plugin::CancelToken::Make();
    std::lock_guard const lock(mutex_);
    if (stopped_) call->Cancel();
    call_ = call;
    return call;
  }

 private:
  mutable std::mutex mutex_;  // guards both
  bool stopped_ = false;
  std::shared_ptr<plugin::CancelToken> call_;
};

}  // namespace trellis::engine
