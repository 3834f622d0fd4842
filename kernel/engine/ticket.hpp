// Queued jobs as the scheduler sees them; the journal holds the rest.
#pragma once

#include "kernel/store/rows.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace trellis::engine {

struct Prepared;

/// So many jobs may call into the same place at once: a type, or a plugin that does one thing at a
/// time.
struct SlotNeed {
  std::uint32_t place = 0;  ///< small numbers
  std::uint32_t limit = 1;
  bool operator==(SlotNeed const&) const = default;
};

struct Ticket {
  std::int64_t job = 0;
  store::DeploymentKey key;
  store::JobKind kind = store::JobKind::kApply;
  std::string target;                ///< workload of a repair, fail or single removal
  std::vector<std::string> uses;     ///< sharables of the twin it reads
  std::vector<std::string> changes;  ///< sharables of the twin it adds, changes or removes
  std::vector<SlotNeed> slots;       ///< types whose plugins it calls
  std::int64_t not_before_ns = 0;    ///< of the Clock; 0 = at once
  bool yields = false;               ///< parked for long: later jobs need not wait for it
  bool suspect = false;              ///< may have crashed the daemon: begun when it can run at once
  bool tried = false;                ///< not its first run in this life of the daemon
  std::shared_ptr<Prepared> prepared;  ///< what acceptance left for the first run; may be empty
};

}  // namespace trellis::engine
