#include "kernel/rmb/outbox.hpp"

namespace trellis::rmb {

bool Outbox::TrySend(Parcel& parcel, Link* preferred) {
  if (preferred != nullptr && preferred->TrySend(parcel)) return true;
  for (auto* const link : links_) {
    if (link != preferred && link->TrySend(parcel)) return true;
  }
  return false;
}

void Outbox::Send(Parcel parcel, Link* preferred, std::uint64_t now) {
  std::lock_guard const lock(mutex_);
  if (waiting_.empty() && TrySend(parcel, preferred)) return;
  bytes_ += parcel.bytes.size();
  waiting_.push_back(std::move(parcel));
  while (waiting_.front().expires <= now || waiting_.size() > kMaxWaiting ||
         bytes_ > kMaxWaitingBytes) {
    bytes_ -= waiting_.front().bytes.size();
    waiting_.pop_front();
    if (waiting_.empty()) return;
  }
}

void Outbox::OnReady(std::uint64_t now) {
  std::lock_guard const lock(mutex_);
  while (!waiting_.empty()) {
    auto& first = waiting_.front();
    auto const size = first.bytes.size();
    if (first.expires > now && !TrySend(first, nullptr)) return;
    bytes_ -= size;
    waiting_.pop_front();
  }
}

void Outbox::Return(std::deque<Parcel> parcels, std::uint64_t now) {
  {
    std::lock_guard const lock(mutex_);
    for (auto it = parcels.rbegin(); it != parcels.rend(); ++it) {
      bytes_ += it->bytes.size();
      waiting_.push_front(std::move(*it));
    }
  }
  OnReady(now);
}

}  // namespace trellis::rmb
