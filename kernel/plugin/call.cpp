#include "kernel/plugin/call.hpp"

#include "kernel/sys/errors.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace trellis::plugin {

namespace {

using std::chrono::nanoseconds;

constexpr std::chrono::seconds kIdleThread{10};

/// Most calls are never cancelled, and most plugins never ask for the descriptor.
class EventToken final : public CancelToken {
 public:
  void Cancel() override {
    cancelled_ = true;
    std::lock_guard const lock(mutex_);
    if (fd_) Signal();
  }
  [[nodiscard]] bool cancelled() const override { return cancelled_; }
  [[nodiscard]] int fd() const override {
    std::lock_guard const lock(mutex_);
    if (!fd_) {
      fd_ = sys::UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
      if (cancelled_) Signal();
    }
    return fd_.get();
  }

 private:
  void Signal() const {
    std::uint64_t const one = 1;
    (void)!::write(fd_.get(), &one, sizeof one);
  }

  mutable std::mutex mutex_;  // guards fd_
  mutable sys::UniqueFd fd_;
  std::atomic<bool> cancelled_ = false;
};

std::int64_t Later(std::int64_t at, nanoseconds more) {
  return at > INT64_MAX - more.count() ? INT64_MAX : at + more.count();
}

}  // namespace

Woken WaitFor(int fd, int cancel_fd, std::int64_t until) {
  std::array<pollfd, 2> files{{{fd, POLLIN, 0}, {cancel_fd, POLLIN, 0}}};
  while (true) {
    timespec rest{};
    timespec* timeout = nullptr;
    if (until != INT64_MAX) {
      std::int64_t const left = std::max<std::int64_t>(0, until - MonotonicNs());
      rest = {left / 1'000'000'000, left % 1'000'000'000};
      timeout = &rest;
    }
    int const ready = ::ppoll(files.data(), files.size(), timeout, nullptr);
    if (ready == 0) return Woken::kTimeout;
    if (ready < 0) continue;  // interrupted
    if (files[0].revents != 0) return Woken::kReady;
    if (files[1].revents != 0) return Woken::kCancelled;
  }
}

std::shared_ptr<CancelToken> CancelToken::Make() {
  return std::make_shared<EventToken>();
}

std::int64_t MonotonicNs() {
  auto const now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<nanoseconds>(now).count();
}

Result<std::shared_ptr<Slots>> Slots::Make(std::uint32_t count) {
  sys::UniqueFd handed(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE));
  if (!handed) return sys::Fail("make", "eventfd");
  return std::make_shared<Slots>(count, std::move(handed));
}

bool Slots::TryTake() {
  std::lock_guard const lock(mutex_);
  if (free_ > 0) {
    --free_;
    return true;
  }
  ++waiting_;
  return false;
}

void Slots::Release() {
  std::lock_guard const lock(mutex_);
  if (waiting_ == 0) {
    ++free_;
    return;
  }
  --waiting_;
  std::uint64_t const one = 1;
  (void)!::write(handed_.get(), &one, sizeof one);
}

Result<std::shared_ptr<void>> Slots::Acquire(std::shared_ptr<Slots> const& slots,
                                             CancelToken const* cancel,
                                             std::chrono::milliseconds limit) {
  auto const taken = [&] {
    return std::shared_ptr<void>(slots.get(), [slots](void*) { slots->Release(); });
  };
  if (slots->TryTake()) return taken();
  std::int64_t const until = Later(MonotonicNs(), limit);
  auto const take_handed = [&] {
    std::uint64_t one = 0;
    return ::read(slots->handed_.get(), &one, sizeof one) == sizeof one;
  };
  while (!take_handed()) {
    auto const woken = WaitFor(slots->handed_.get(), cancel == nullptr ? -1 : cancel->fd(), until);
    if (woken == Woken::kReady) continue;  // unless another one was quicker
    std::lock_guard const lock(slots->mutex_);
    if (take_handed()) break;  // handed over at the last moment
    --slots->waiting_;
    if (woken == Woken::kCancelled) return Fail(Code::kCancelled, "the operation was cancelled");
    return Fail(Code::kBusy, "the plugin is busy");
  }
  return taken();
}

struct CallThreads::State {
  std::mutex mutex;  // guards everything below
  std::condition_variable changed;
  std::deque<std::function<void()>> jobs;
  std::size_t idle = 0;
  std::size_t threads = 0;
  std::size_t given_up = 0;
  bool stopping = false;
};

CallThreads::CallThreads() : state_(std::make_shared<State>()) {}

CallThreads::~CallThreads() {
  std::unique_lock lock(state_->mutex);
  state_->stopping = true;
  state_->changed.notify_all();
  state_->changed.wait(lock, [&] { return state_->threads <= state_->given_up; });
}

void CallThreads::Loop(std::shared_ptr<State> const& state, std::function<void()> job) {
  (void)::prctl(PR_SET_NAME, "plug-call");
  while (job) {
    job();
    job = nullptr;
    std::unique_lock lock(state->mutex);
    ++state->idle;
    auto const ready = [&] { return state->stopping || !state->jobs.empty(); };
    (void)state->changed.wait_for(lock, kIdleThread, ready);
    --state->idle;
    if (!state->jobs.empty()) {
      job = std::move(state->jobs.front());
      state->jobs.pop_front();
    }
    if (!job) {
      --state->threads;
      state->changed.notify_all();
    }
  }
}

void CallThreads::Post(std::function<void()> job) {
  std::lock_guard const lock(state_->mutex);
  if (state_->idle > state_->jobs.size()) {
    state_->jobs.push_back(std::move(job));
    state_->changed.notify_one();
    return;
  }
  ++state_->threads;
  // Detached, because a call that never returns must not hold up the shutdown.
  std::thread([state = state_, job = std::move(job)]() mutable {
    Loop(state, std::move(job));
  }).detach();
}

bool CallThreads::Run(CallInfo const& call, std::function<void()> job) {
  auto const done = std::make_shared<sys::UniqueFd>(::eventfd(0, EFD_CLOEXEC));
  auto const given_up = std::make_shared<std::atomic<int>>(0);  // 1: by the caller, 2: job ended
  Post([job = std::move(job), done, given_up, state = state_, hold = call.hold]() mutable {
    job();
    job = nullptr;
    hold.reset();
    if (given_up->exchange(2) == 1) {
      std::lock_guard const lock(state->mutex);
      --state->given_up;
    }
    std::uint64_t const one = 1;
    (void)!::write(done->get(), &one, sizeof one);
  });
  int const cancel_fd = call.cancel == nullptr ? -1 : call.cancel->fd();
  auto woken = WaitFor(done->get(), cancel_fd, call.deadline_ns);
  if (woken == Woken::kReady) return true;
  if (woken == Woken::kTimeout && call.cancel != nullptr) call.cancel->Cancel();
  woken = WaitFor(done->get(), -1, Later(MonotonicNs(), call.grace));
  if (woken == Woken::kReady) return true;
  std::lock_guard const lock(state_->mutex);
  if (given_up->exchange(1) == 2) return true;
  ++state_->given_up;
  return false;
}

}  // namespace trellis::plugin
