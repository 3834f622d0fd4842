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

/// All of a job's locks are taken at once, so nobody waits while holding one. Not thread-safe.
class Locks {
 public:
  using SharedName = std::pair<std::uint32_t, std::string>;  // twin, name

  [[nodiscard]] bool SharablesFree(Ticket const& ticket) const;
  [[nodiscard]] bool SlotsFree(Ticket const& ticket) const;
  void Take(Ticket const& ticket);
  void ReleaseSharables(Ticket const& ticket);
  void ReleaseSlots(Ticket const& ticket);

  /// After a reboot those who use a sharable wait until it was restored, or at least tried.
  void RestoreQueued(Ticket const& ticket);
  void RestoreTried(Ticket const& ticket);
  [[nodiscard]] bool WaitsForRestore(Ticket const& ticket) const;

 private:
  std::map<SharedName, std::size_t> readers_;
  std::set<SharedName> writers_;
  std::map<SharedName, std::size_t> restoring_;
  std::vector<std::uint32_t> slots_;  // in use, by place
};

}  // namespace trellis::engine
