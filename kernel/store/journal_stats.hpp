// How the journal does, in numbers.
#pragma once

#include "kernel/store/database.hpp"
#include "kernel/store/records.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <map>

namespace trellis::store {

struct JournalStats {
  std::map<JobKind, std::int64_t> jobs;  ///< queued, running or parked, by kind
  std::int64_t oldest = 0;               ///< when the oldest job that may run was queued, 0 = none
  std::int64_t retries = 0;              ///< tries of the jobs there are, beyond their first
  std::int64_t most_failed_removal = 0;  ///< tries of the removal that failed most often
  std::int64_t quarantined = 0;          ///< steps that crashed too often to be tried again soon
};

/// Work grows with the number of jobs, which is bounded.
Result<JournalStats> ReadJournalStats(Database& db, std::int64_t now);

}  // namespace trellis::store
