#include "kernel/engine/signers.hpp"

namespace trellis::engine {

Result<ledger::Twin> Signers::Get(std::uint32_t id) {
  auto const now = clock_.MonotonicNs();
  {
    std::lock_guard const lock(mutex_);
    auto const found = known_.find(id);
    if (found != known_.end() && now < found->second.until_ns) return found->second.twin;
  }
  TRELLIS_TRY(auto twin, ledger_.GetTwin(id));
  std::lock_guard const lock(mutex_);
  if (!twin.verified) {
    known_.erase(id);
    return twin;
  }
  if (known_.size() >= kLimit) known_.clear();
  known_.insert_or_assign(id, Entry{twin, now + kBelievedNs});
  return twin;
}

}  // namespace trellis::engine
