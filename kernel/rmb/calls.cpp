#include "kernel/rmb/calls.hpp"

namespace trellis::rmb {

bool Calls::Add(std::string uid, std::uint32_t twin, Time deadline, Done done) {
  std::lock_guard const lock(mutex_);
  if (closed_ || calls_.size() >= kMaxOpen || calls_.contains(uid)) return false;
  auto const at = deadlines_.emplace(deadline, uid);
  calls_.emplace(std::move(uid), Call{twin, std::move(done), at});
  return true;
}

bool Calls::Expects(std::string_view uid, std::uint32_t from) const {
  std::lock_guard const lock(mutex_);
  auto const found = calls_.find(std::string(uid));
  return found != calls_.end() && (from == 0 || from == found->second.twin);
}

void Calls::Settle(IncomingAnswer answer) {
  std::unique_lock lock(mutex_);
  auto const found = calls_.find(answer.uid);
  if (found == calls_.end() || (answer.from != 0 && answer.from != found->second.twin)) return;
  auto const done = std::move(found->second.done);
  deadlines_.erase(found->second.deadline);
  calls_.erase(found);
  lock.unlock();
  done(End::kAnswered, std::move(answer));
}

std::optional<Calls::Time> Calls::Expire(Time now) {
  std::vector<Done> over;
  std::optional<Time> next;
  {
    std::lock_guard const lock(mutex_);
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
      auto const call = calls_.find(deadlines_.begin()->second);
      over.push_back(std::move(call->second.done));
      calls_.erase(call);
      deadlines_.erase(deadlines_.begin());
    }
    if (!deadlines_.empty()) next = deadlines_.begin()->first;
  }
  for (auto const& done : over)
    done(End::kTimeout, {});
  return next;
}

void Calls::Close() {
  std::unordered_map<std::string, Call> calls;
  {
    std::lock_guard const lock(mutex_);
    closed_ = true;
    deadlines_.clear();
    std::swap(calls, calls_);
  }
  for (auto const& [uid, call] : calls)
    call.done(End::kClosed, {});
}

}  // namespace trellis::rmb
