// One call into a plugin: identity, deadline, cancellation, and who may run at once.
#pragma once

#include "kernel/plugin/types.hpp"
#include "kernel/sys/fd.hpp"

#include <trellis/result.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

namespace trellis::plugin {

/// After its deadline or cancellation a call may go on this long before it is given up.
inline constexpr std::chrono::seconds kCallGrace{10};

/// CLOCK_MONOTONIC in nanoseconds, the time base of `deadline_ns`.
[[nodiscard]] std::int64_t MonotonicNs();

enum class Woken : std::uint8_t { kReady, kCancelled, kTimeout };
/// Waits until `fd` is readable, `cancel_fd` (-1: none) is, or MonotonicNs() reaches `until`.
Woken WaitFor(int fd, int cancel_fd, std::int64_t until);

/// What `trellis.deployment/1` shows instead of stored state while a document is being examined.
/// Thread-safe.
class DeploymentView {
 public:
  virtual ~DeploymentView() = default;
  [[nodiscard]] virtual Result<std::string> Info() const = 0;
  [[nodiscard]] virtual Result<std::string> Get(std::string_view name) const = 0;
  [[nodiscard]] virtual Result<std::string> ByType(
      std::span<std::string_view const> types) const = 0;
};

/// Everything of a trl_call, and what its host_data stands for.
struct CallInfo {
  std::uint64_t id = 0;
  std::uint32_t flags = 0;  ///< TRL_CALL_*
  std::int64_t deadline_ns = INT64_MAX;
  std::uint64_t contract = 0;
  std::uint32_t twin = 0;
  std::uint32_t attempt = 1;
  std::shared_ptr<CancelToken> cancel;       ///< may be empty; nested calls share it
  DeploymentView const* incoming = nullptr;  ///< only while examining
  std::shared_ptr<void> hold;                ///< released when the plugin really left the call
  LostCallback const* lost = nullptr;        ///< set: it may run on the caller's thread (CallWatch)
  std::chrono::nanoseconds grace = kCallGrace;  ///< 0 for nested calls
};

/// Counts who is inside. Thread-safe.
class Slots {
 public:
  static Result<std::shared_ptr<Slots>> Make(std::uint32_t count);
  Slots(std::uint32_t count, sys::UniqueFd handed) : free_(count), handed_(std::move(handed)) {}

  /// Waits for a slot; it is free again when the answer and its copies are gone. kCancelled when
  /// `cancel` fires first, kBusy after `limit`.
  static Result<std::shared_ptr<void>> Acquire(std::shared_ptr<Slots> const& slots,
                                               CancelToken const* cancel,
                                               std::chrono::milliseconds limit);

 private:
  bool TryTake();
  void Release();
  std::mutex mutex_;  // guards the two below
  std::uint32_t free_;
  std::uint32_t waiting_ = 0;
  sys::UniqueFd handed_;  // counts slots handed to those who wait
};

/// Runs jobs on threads that start on demand and end when idle. Thread-safe.
class CallThreads {
 public:
  CallThreads();
  /// Waits for running jobs, except those given up.
  ~CallThreads();
  CallThreads(CallThreads const&) = delete;
  CallThreads& operator=(CallThreads const&) = delete;

  /// Runs `job` and waits for it: until its end, or until `call.deadline_ns` passed or
  /// `call.cancel` fired and the grace is over. At the deadline the token is cancelled. False: the
  /// thread was given up, and `job` may still be running.
  bool Run(CallInfo const& call, std::function<void()> job);
  /// Runs `job` and does not wait for it.
  void Post(std::function<void()> job);

 private:
  struct State;
  static void Loop(std::shared_ptr<State> const& state, std::function<void()> job);
  std::shared_ptr<State> state_;
};

}  // namespace trellis::plugin
