#include "kernel/store/schema.hpp"

#include <array>

namespace trellis::store {
namespace {

// Ids of jobs are never reused (AUTOINCREMENT) and steps die with their job: an old "done" must
// never match a new job.
constexpr char const* kVersion1 = R"sql(
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE deployment (
  twin INTEGER NOT NULL, contract INTEGER NOT NULL, version INTEGER NOT NULL, hash TEXT NOT NULL, doc TEXT NOT NULL,
  desired TEXT NOT NULL, validated INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
  message TEXT NOT NULL DEFAULT '', PRIMARY KEY (twin, contract)) WITHOUT ROWID;
CREATE TABLE workload (
  twin INTEGER NOT NULL, contract INTEGER NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, pos INTEGER NOT NULL,
  version INTEGER NOT NULL, data TEXT NOT NULL, description TEXT NOT NULL, metadata TEXT NOT NULL,
  state TEXT NOT NULL, message TEXT NOT NULL DEFAULT '', created INTEGER NOT NULL, result TEXT NOT NULL DEFAULT '',
  eff_version INTEGER, eff_data TEXT NOT NULL DEFAULT '', handle BLOB NOT NULL DEFAULT x'', handle_schema INTEGER NOT NULL DEFAULT 0,
  owned INTEGER NOT NULL DEFAULT 0, fails INTEGER NOT NULL DEFAULT 0, next_try INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (twin, contract, name),
  FOREIGN KEY (twin, contract) REFERENCES deployment ON DELETE CASCADE) WITHOUT ROWID;
CREATE INDEX workload_type ON workload (type);
CREATE TABLE shared (
  twin INTEGER NOT NULL, name TEXT NOT NULL, contract INTEGER NOT NULL, type TEXT NOT NULL, PRIMARY KEY (twin, name),
  FOREIGN KEY (twin, contract) REFERENCES deployment ON DELETE CASCADE) WITHOUT ROWID;
CREATE INDEX shared_contract ON shared (twin, contract);
CREATE TABLE uses (
  twin INTEGER NOT NULL, contract INTEGER NOT NULL, name TEXT NOT NULL, shared_name TEXT NOT NULL,
  PRIMARY KEY (twin, contract, name, shared_name),
  FOREIGN KEY (twin, contract) REFERENCES deployment ON DELETE CASCADE) WITHOUT ROWID;
CREATE TABLE change (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, twin INTEGER NOT NULL, contract INTEGER NOT NULL, name TEXT NOT NULL,
  type TEXT NOT NULL, version INTEGER NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL,
  FOREIGN KEY (twin, contract) REFERENCES deployment ON DELETE CASCADE);
CREATE INDEX change_workload ON change (twin, contract, name, seq);
CREATE TABLE job (
  id INTEGER PRIMARY KEY AUTOINCREMENT, twin INTEGER NOT NULL, contract INTEGER NOT NULL, kind INTEGER NOT NULL,
  version INTEGER NOT NULL, doc TEXT NOT NULL DEFAULT '', target TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
  attempts INTEGER NOT NULL DEFAULT 0, not_before INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL, error TEXT NOT NULL DEFAULT '',
  FOREIGN KEY (twin, contract) REFERENCES deployment ON DELETE CASCADE);
CREATE INDEX job_deployment ON job (twin, contract);
CREATE TABLE step (
  job INTEGER NOT NULL REFERENCES job ON DELETE CASCADE, name TEXT NOT NULL, op INTEGER NOT NULL, idx INTEGER NOT NULL,
  state INTEGER NOT NULL, crashes INTEGER NOT NULL DEFAULT 0, generation INTEGER NOT NULL,
  PRIMARY KEY (job, name, op)) WITHOUT ROWID;
CREATE TABLE reservation (
  twin INTEGER NOT NULL, contract INTEGER NOT NULL, name TEXT NOT NULL,
  cru INTEGER NOT NULL, mru INTEGER NOT NULL, sru INTEGER NOT NULL, hru INTEGER NOT NULL, ipv4u INTEGER NOT NULL,
  PRIMARY KEY (twin, contract, name),
  FOREIGN KEY (twin, contract, name) REFERENCES workload ON DELETE CASCADE) WITHOUT ROWID;
CREATE TABLE tombstone (
  twin INTEGER NOT NULL, contract INTEGER NOT NULL, removed INTEGER NOT NULL, history TEXT NOT NULL,
  PRIMARY KEY (twin, contract)) WITHOUT ROWID;
CREATE TABLE plugin_kv (
  plugin TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (plugin, key)) WITHOUT ROWID;
)sql";

constexpr std::array<char const*, 1> kMigrations{kVersion1};

}  // namespace

Result<void> Migrate(Database& database) {
  TRELLIS_TRY(auto const version, database.UserVersion());
  auto const current = static_cast<std::int64_t>(kMigrations.size());
  if (version > current) {
    return Fail(Code::kConflict,
                "the store has schema {}, this daemon knows {}: start the newer daemon", version,
                current);
  }
  for (std::int64_t step = version; step < current; ++step) {
    auto const sql = fmt::format("BEGIN IMMEDIATE; {} PRAGMA user_version = {}; COMMIT;",
                                 kMigrations[static_cast<std::size_t>(step)], step + 1);
    if (auto done = database.Exec(sql); !done) {
      (void)database.Exec("ROLLBACK");  // the first error is the one to tell
      return tl::unexpected<Error>(
          std::move(done).error().With("migrate the store to schema {}", step + 1));
    }
  }
  return {};
}

Result<std::string> GetMeta(Database& database, std::string_view key) {
  TRELLIS_TRY(auto* statement, database.Cached("SELECT value FROM meta WHERE key = ?"));
  statement->BindAll(key);
  TRELLIS_TRY(bool const found, statement->Step());
  std::string value = found ? statement->Text(0) : "";
  statement->Reset();
  return value;
}

Result<void> SetMeta(Database& database, std::string_view key, std::string_view value) {
  TRELLIS_TRY(auto* statement,
              database.Cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)"));
  return statement->BindAll(key, value).Run();
}

}  // namespace trellis::store
