// Where calls wait while the code that they are for is being exchanged.
#pragma once

#include "kernel/plugin/call.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace trellis::plugin {

/// Open unless closed, by whomever. Thread-safe.
class Gate {
 public:
  /// Inside until this is gone.
  class Pass {
   public:
    Pass() = default;
    explicit Pass(std::shared_ptr<Gate> gate) : gate_(std::move(gate)) {}
    Pass(Pass&&) noexcept = default;
    Pass& operator=(Pass&& other) noexcept {
      std::swap(gate_, other.gate_);
      return *this;
    }
    Pass(Pass const&) = delete;
    Pass& operator=(Pass const&) = delete;
    ~Pass() {
      if (gate_ != nullptr) gate_->Leave();
    }

   private:
    std::shared_ptr<Gate> gate_;
  };

  /// Calls that may wait at once; there is memory behind each.
  static constexpr std::uint32_t kMaxWaiting = 1024;

  static Result<std::shared_ptr<Gate>> Make();
  explicit Gate(sys::UniqueFd open) : open_(std::move(open)) {}

  /// Waits while the gate is closed. kCancelled when `cancel` (may be nullptr) fires first, kBusy
  /// when it is still closed at `until` (MonotonicNs), or when too many wait.
  static Result<Pass> Enter(std::shared_ptr<Gate> const& gate, CancelToken const* cancel,
                            std::int64_t until);
  /// As often as it is closed it has to be opened.
  void Close();
  void Open();
  /// Waits until nobody is inside a closed gate; false at `until`.
  bool WaitEmpty(std::int64_t until);

 private:
  void Leave();

  sys::UniqueFd const open_;  // readable while the gate is open
  std::atomic<std::uint32_t> inside_ = 0;
  std::atomic<std::uint32_t> waiting_ = 0;
  std::atomic<std::uint32_t> closings_ = 0;
  std::mutex mutex_;  // for changes of closings_, and for empty_
  std::condition_variable empty_;
};

/// What a call holds while it is inside: a slot, which may be empty, and a pass.
[[nodiscard]] std::shared_ptr<void> Inside(std::shared_ptr<void> slot, Gate::Pass pass);

/// The two gates of a plugin, whatever its version. Effects are shut out first: while the last of
/// them end, services that they use must still answer.
struct Gates {
  std::shared_ptr<Gate> effects;
  std::shared_ptr<Gate> calls;  ///< services, commands, providers and examinations
};

}  // namespace trellis::plugin
