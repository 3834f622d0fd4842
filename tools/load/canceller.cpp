#include "tools/load/canceller.hpp"

#include <utility>

namespace trellis::load {

Canceller::Canceller(Registry& registry, std::vector<Twin> const& twins)
    : registry_(registry),
      twins_(twins),
      thread_([this](std::stop_token const& stop) { Loop(stop); }) {}

void Canceller::Cancel(std::size_t owner, std::uint64_t contract, std::function<void()> done) {
  {
    std::lock_guard const lock(mutex_);
    waiting_.push_back({owner, contract, {}});
    callbacks_.push_back(std::move(done));
  }
  ready_.notify_one();
}

Result<void> Canceller::failure() {
  std::lock_guard const lock(mutex_);
  return failure_;
}

void Canceller::Loop(std::stop_token const& stop) {
  std::unique_lock lock(mutex_);
  while (ready_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
    auto const batch = std::exchange(waiting_, {});
    auto const callbacks = std::exchange(callbacks_, {});
    lock.unlock();
    auto done = registry_.Cancel(twins_, batch);
    if (done) {
      for (auto const& callback : callbacks)
        callback();
    }
    lock.lock();
    if (!done) failure_ = std::move(done);
  }
}

}  // namespace trellis::load
