#include "kernel/store/migrations.hpp"

#include "kernel/base/fail_point.hpp"

namespace trellis::store {
namespace {

/// Tables may be made anew; what refers to their rows must still find them afterwards.
Result<void> CheckReferences(Database& database) {
  TRELLIS_TRY(auto broken, database.Prepare("PRAGMA foreign_key_check"));
  TRELLIS_TRY(bool const any, broken.Step());
  if (any) return Fail(Code::kInternal, "rows of table '{}' refer to nothing", broken.Text(0));
  return {};
}

Result<void> RunStep(Database& database, MigrationStep const& step, std::int64_t version) {
  TRELLIS_CHECK(database.Begin(Database::Transaction::kWrite));
  TRELLIS_CHECK(database.Exec(step.sql));
  if (step.rows != nullptr) TRELLIS_CHECK(step.rows(database));
  TRELLIS_CHECK(database.Exec(step.after));
  TRELLIS_CHECK(CheckReferences(database));
  TRELLIS_FAIL_POINT("migrate.step");
  TRELLIS_CHECK(database.Exec(fmt::format("PRAGMA user_version = {}", version)));
  return database.Commit();
}

Result<void> BackUp(Database& database, std::int64_t version) {
  auto const copy = fmt::format("{}.bak-{}", database.file().string(), version);
  return database.CopyTo(copy).map_error([&](Error error) {
    return std::move(error).With("copy the database to '{}' before its migration", copy);
  });
}

}  // namespace

Result<void> RunMigrations(Database& database, std::span<MigrationStep const> steps) {
  TRELLIS_TRY(auto const version, database.UserVersion());
  auto const current = static_cast<std::int64_t>(steps.size());
  if (version > current) {
    return Fail(Code::kConflict,
                "the store has schema {}, this daemon knows {}: start the newer daemon", version,
                current);
  }
  if (version > 0 && version < current) TRELLIS_CHECK(BackUp(database, version));
  if (version == current) return {};
  // Else a table that is made anew would take what refers to it along.
  TRELLIS_CHECK(database.Exec("PRAGMA foreign_keys = OFF"));
  for (std::int64_t step = version; step < current; ++step) {
    if (auto done = RunStep(database, steps[static_cast<std::size_t>(step)], step + 1); !done) {
      (void)database.Exec("ROLLBACK");  // the first error is the one to tell
      return tl::unexpected<Error>(
          std::move(done).error().With("migrate the store to schema {}", step + 1));
    }
  }
  return database.Exec("PRAGMA foreign_keys = ON");
}

}  // namespace trellis::store
