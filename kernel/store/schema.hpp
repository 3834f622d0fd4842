// The node's durable state: tables, migrations, and who may open the file.
#pragma once

#include "kernel/store/database.hpp"

#include <trellis/result.hpp>

namespace trellis::store {

/// Brings the file to the current schema, one transaction per step. kConflict when a newer daemon
/// wrote it.
Result<void> Migrate(Database& database);

/// `meta` rows. kNotFound-free: a missing key reads as "".
Result<std::string> GetMeta(Database& database, std::string_view key);
Result<void> SetMeta(Database& database, std::string_view key, std::string_view value);

}  // namespace trellis::store
