// How the engine does, in numbers: for metrics, `local.status` and the health check.
#pragma once

#include "kernel/engine/outbox.hpp"
#include "kernel/engine/scheduler.hpp"
#include "kernel/store/journal_stats.hpp"
#include "kernel/store/outbox.hpp"
#include "kernel/store/rows.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace trellis::engine {

struct Snapshot {
  Scheduler::Depth depth;
  std::int64_t wedged = 0;  ///< deployments whose operation never came back
  store::JournalStats journal;
  std::int64_t oldest_job_s = 0;  ///< age of the oldest job that may run
  store::OutboxStats outbox;
  std::int64_t outbox_age_s = 0;
  Outbox::Counters reports;
  std::uint64_t orphans_seen = 0;
  std::uint64_t orphans_removed = 0;
  bool orphans_held = false;
  std::map<std::string, std::uint64_t, std::less<>>
      unloaded;                   ///< workloads without a plugin, by type
  std::uint64_t inspections = 0;  ///< rounds over all workloads
};

}  // namespace trellis::engine
