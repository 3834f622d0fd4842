#include "kernel/engine/events.hpp"

namespace trellis::engine {

std::uint64_t EventBus::Subscribe(Handler handler) {
  std::lock_guard const lock(mutex_);
  handlers_.emplace(next_, std::move(handler));
  return next_++;
}

void EventBus::Unsubscribe(std::uint64_t subscription) {
  std::lock_guard const lock(mutex_);
  handlers_.erase(subscription);
}

void EventBus::Publish(StateEvent const& event) {
  std::lock_guard const lock(mutex_);
  for (auto const& [id, handler] : handlers_)
    handler(event);
}

}  // namespace trellis::engine
