// Tables of the embedded ledger.
#pragma once

#include "kernel/store/database.hpp"

#include <trellis/result.hpp>

namespace trellis::ledger::embedded {

/// Makes the tables in an empty file. kConflict when a newer version wrote the file.
Result<void> Migrate(store::Database& db);

}  // namespace trellis::ledger::embedded
