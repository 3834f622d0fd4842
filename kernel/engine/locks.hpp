// What jobs of different deployments must not do at once: change a sharable that others use, and
// call a plugin more often than it can bear.
#pragma once

#include "kernel/engine/ticket.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace trellis::engine {

/// All that a job holds from its begin to its end is taken at once, so nobody waits while holding
/// some. Slots are held while plugins are called. Not thread-safe.
class Locks {
 public:
  using SharedName = std::pair<std::uint32_t, std::string>;  // twin, name

  [[nodiscard]] bool SharablesFree(Ticket const& ticket) const;
  /// False when so many jobs were begun that they will keep the plugins busy for a while.
  [[nodiscard]] bool MayBegin(Ticket const& ticket) const;
  void Take(Ticket const& ticket);
  void Release(Ticket const& ticket);

  [[nodiscard]] bool SlotsFree(std::vector<SlotNeed> const& needs) const;
  void TakeSlots(std::vector<SlotNeed> const& needs);
  void ReleaseSlots(std::vector<SlotNeed> const& needs);

  /// After a reboot those who use a sharable wait until it was restored, or at least tried.
  void RestoreQueued(Ticket const& ticket);
  void RestoreTried(Ticket const& ticket);
  [[nodiscard]] bool WaitsForRestore(Ticket const& ticket) const;

 private:
  std::map<SharedName, std::size_t> readers_;
  std::set<SharedName> writers_;
  std::map<SharedName, std::size_t> restoring_;
  std::vector<std::uint32_t> slots_;  // in use, by place
  std::vector<std::uint32_t> begun_;  // jobs that want slots now or later, by place
};

}  // namespace trellis::engine
