#include "kernel/plugin/gate.hpp"

#include "kernel/sys/errors.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

namespace trellis::plugin {

Result<std::shared_ptr<Gate>> Gate::Make() {
  sys::UniqueFd open(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!open) return sys::Fail("make", "eventfd");
  return std::make_shared<Gate>(std::move(open));
}

Result<Gate::Pass> Gate::Enter(std::shared_ptr<Gate> const& gate, CancelToken const* cancel,
                               std::int64_t until) {
  while (true) {
    // In this order: whoever closes the gate and then finds nobody inside may rely on it.
    ++gate->inside_;
    if (gate->closings_ == 0) return Pass(gate);
    gate->Leave();
    if (gate->waiting_++ >= kMaxWaiting) {
      --gate->waiting_;
      return Fail(Code::kBusy, "the plugin is being exchanged, and {} calls wait for it already",
                  kMaxWaiting);
    }
    auto const woken = WaitFor(gate->open_.get(), cancel == nullptr ? -1 : cancel->fd(), until);
    --gate->waiting_;
    if (woken == Woken::kCancelled) return Fail(Code::kCancelled, "the operation was cancelled");
    if (woken == Woken::kTimeout) return Fail(Code::kBusy, "the plugin is being exchanged");
  }
}

void Gate::Close() {
  std::lock_guard const lock(mutex_);
  if (++closings_ > 1) return;
  std::uint64_t count = 0;
  (void)!::read(open_.get(), &count, sizeof count);
}

void Gate::Open() {
  std::lock_guard const lock(mutex_);
  if (--closings_ > 0) return;
  std::uint64_t const one = 1;
  (void)!::write(open_.get(), &one, sizeof one);
}

void Gate::Leave() {
  if (--inside_ > 0 || closings_ == 0) return;
  std::lock_guard const lock(mutex_);
  empty_.notify_all();
}

bool Gate::WaitEmpty(std::int64_t until) {
  std::chrono::steady_clock::time_point const end{std::chrono::nanoseconds(until)};
  std::unique_lock lock(mutex_);
  return empty_.wait_until(lock, end, [this] { return inside_ == 0; });
}

std::shared_ptr<void> Inside(std::shared_ptr<void> slot, Gate::Pass pass) {
  return std::make_shared<std::pair<Gate::Pass, std::shared_ptr<void>>>(std::move(pass),
                                                                        std::move(slot));
}

}  // namespace trellis::plugin
