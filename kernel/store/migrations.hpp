// Bringing a database to the current schema, step by step.
#pragma once

#include "kernel/store/database.hpp"

#include <trellis/result.hpp>

#include <span>

namespace trellis::store {

/// Runs the steps that the database does not have yet, each in one transaction with its number
/// (`PRAGMA user_version`). Before the first one a database that holds something is copied to
/// `<file>.bak-<version>`. kConflict when a newer program wrote it; then and on every error the
/// file is what it was before the step that failed.
Result<void> RunMigrations(Database& database, std::span<char const* const> steps);

}  // namespace trellis::store
