// Bringing a database to the current schema, step by step.
#pragma once

#include "kernel/store/database.hpp"

#include <trellis/result.hpp>

#include <span>
#include <string_view>

namespace trellis::store {

/// One step: statements, then what they cannot say, then statements again.
struct MigrationStep {
  std::string_view sql;
  Result<void> (*rows)(Database& db) = nullptr;
  std::string_view after = {};
};

/// Runs the steps that the database does not have yet, each in one transaction with its number
/// (`PRAGMA user_version`). Before the first one a database that holds something is copied to
/// `<file>.bak-<version>`. kConflict when a newer program wrote it; then and on every error the
/// file is what it was before the step that failed.
Result<void> RunMigrations(Database& database, std::span<MigrationStep const> steps);

}  // namespace trellis::store
