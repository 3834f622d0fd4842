#include "kernel/plugin/helper/active_calls.hpp"

#include <algorithm>

namespace trellis::plugin {

ActiveCalls::Scope::Scope(ActiveCalls& calls, CallInfo const& call) : calls_(calls), id_(call.id) {
  std::lock_guard const lock(calls_.mutex_);
  auto& entry = calls_.entries_[id_];
  entry.call = call;
  entry.call.hold.reset();
}

ActiveCalls::Scope::~Scope() {
  std::unique_lock lock(calls_.mutex_);
  calls_.unpinned_.wait(lock, [this] {
    auto const found = calls_.entries_.find(id_);
    return found == calls_.entries_.end() || found->second.looking == 0;
  });
  calls_.entries_.erase(id_);
}

std::size_t ActiveCalls::size() const {
  std::lock_guard const lock(mutex_);
  return entries_.size();
}

CallInfo ActiveCalls::Inherit(CallInfo said) const {
  std::lock_guard const lock(mutex_);
  auto const found = entries_.find(said.id);
  if (found == entries_.end()) return said;
  said.cancel = found->second.call.cancel;
  said.deadline_ns = std::min(said.deadline_ns, found->second.call.deadline_ns);
  return said;
}

DeploymentView const* ActiveCalls::Pin(std::uint64_t id) {
  std::lock_guard const lock(mutex_);
  auto const found = entries_.find(id);
  if (found == entries_.end() || found->second.call.incoming == nullptr) return nullptr;
  ++found->second.looking;
  return found->second.call.incoming;
}

void ActiveCalls::Unpin(std::uint64_t id) {
  std::lock_guard const lock(mutex_);
  auto const found = entries_.find(id);
  if (found != entries_.end()) --found->second.looking;
  unpinned_.notify_all();
}

}  // namespace trellis::plugin
