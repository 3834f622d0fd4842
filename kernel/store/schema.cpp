#include "kernel/store/schema.hpp"

#include "kernel/store/old_workloads.hpp"
#include "kernel/store/structure_check.hpp"

#include <array>
#include <string>
#include <string_view>

namespace trellis::store {
namespace {

// Triggers go with their table: a step that makes a table anew makes these anew. Like the steps
// they are never changed, only followed by others.
constexpr std::string_view kTotals = R"sql(
CREATE TRIGGER deployment_added AFTER INSERT ON deployment BEGIN
  UPDATE total SET deployments = deployments + 1;
  INSERT INTO twin_total VALUES (new.twin, 1) ON CONFLICT DO UPDATE SET deployments = deployments + 1;
END;
CREATE TRIGGER deployment_erased AFTER DELETE ON deployment BEGIN
  UPDATE total SET deployments = deployments - 1;
  UPDATE twin_total SET deployments = deployments - 1 WHERE twin = old.twin;
  DELETE FROM twin_total WHERE twin = old.twin AND deployments = 0;
END;
)sql";

constexpr std::string_view kReserved = R"sql(
CREATE TRIGGER reservation_added AFTER INSERT ON reservation BEGIN
  UPDATE total SET cru = cru + new.cru, mru = mru + new.mru, sru = sru + new.sru, hru = hru + new.hru, ipv4u = ipv4u + new.ipv4u;
END;
CREATE TRIGGER reservation_changed AFTER UPDATE ON reservation BEGIN
  UPDATE total SET cru = cru + new.cru - old.cru, mru = mru + new.mru - old.mru, sru = sru + new.sru - old.sru,
    hru = hru + new.hru - old.hru, ipv4u = ipv4u + new.ipv4u - old.ipv4u;
END;
CREATE TRIGGER reservation_erased AFTER DELETE ON reservation BEGIN
  UPDATE total SET cru = cru - old.cru, mru = mru - old.mru, sru = sru - old.sru, hru = hru - old.hru, ipv4u = ipv4u - old.ipv4u;
END;
)sql";

constexpr std::string_view kOkay = R"sql(
CREATE TRIGGER okay_added AFTER INSERT ON okay BEGIN
  UPDATE total SET okay_workloads = okay_workloads + new.workloads, okay_deployments = okay_deployments + 1;
END;
CREATE TRIGGER okay_changed AFTER UPDATE ON okay BEGIN
  UPDATE total SET okay_workloads = okay_workloads + new.workloads - old.workloads;
END;
CREATE TRIGGER okay_erased AFTER DELETE ON okay BEGIN
  UPDATE total SET okay_workloads = okay_workloads - old.workloads, okay_deployments = okay_deployments - 1;
END;
)sql";

// The same of a table with a row for each deployment.
constexpr std::string_view kOkayOf = R"sql(
CREATE TRIGGER okay_added AFTER INSERT ON {0} WHEN new.okay > 0 BEGIN
  UPDATE total SET okay_workloads = okay_workloads + new.okay, okay_deployments = okay_deployments + 1;
END;
CREATE TRIGGER okay_changed AFTER UPDATE OF okay ON {0} WHEN new.okay <> old.okay BEGIN
  UPDATE total SET okay_workloads = okay_workloads + new.okay - old.okay,
    okay_deployments = okay_deployments + (new.okay > 0) - (old.okay > 0);
END;
CREATE TRIGGER okay_erased AFTER DELETE ON {0} WHEN old.okay > 0 BEGIN
  UPDATE total SET okay_workloads = okay_workloads - old.okay, okay_deployments = okay_deployments - 1;
END;
)sql";

// What entries of the history borrow from their workload they get before it goes.
constexpr std::string_view kLending = R"sql(
CREATE TRIGGER workload_changed BEFORE UPDATE OF version ON workload WHEN old.version <> new.version BEGIN
  UPDATE change SET data = old.data, metadata = old.metadata, description = old.description,
    result = COALESCE(result, old.result)
    WHERE twin = old.twin AND contract = old.contract AND name = old.name AND version = old.version AND data IS NULL;
END;
CREATE TRIGGER workload_answered BEFORE UPDATE OF result ON workload
  WHEN old.version = new.version AND old.result <> '' AND old.result <> new.result BEGIN
  UPDATE change SET result = old.result
    WHERE twin = old.twin AND contract = old.contract AND name = old.name AND version = old.version AND result IS NULL;
END;
CREATE TRIGGER workload_erased BEFORE DELETE ON workload BEGIN
  UPDATE change SET data = old.data, metadata = old.metadata, description = old.description,
    result = COALESCE(result, old.result)
    WHERE twin = old.twin AND contract = old.contract AND name = old.name AND version = old.version AND data IS NULL;
END;
)sql";

// Ids of jobs are never reused (AUTOINCREMENT) and steps die with their job: an old "done" must
// never match a new job. Tables with long rows have a row id of their own: keys are looked up in
// small indexes. What is counted for all deployments is kept in `total` and `twin_total` by
// triggers, so that no question is answered by counting.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE deployment (
  id INTEGER PRIMARY KEY, twin INTEGER NOT NULL, contract INTEGER NOT NULL, version INTEGER NOT NULL, hash TEXT NOT NULL,
  desired TEXT NOT NULL, validated INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
  message TEXT NOT NULL DEFAULT '', header TEXT NOT NULL, doc TEXT NOT NULL, UNIQUE (twin, contract));
CREATE TABLE workload (
  id INTEGER PRIMARY KEY, twin INTEGER NOT NULL, contract INTEGER NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL,
  pos INTEGER NOT NULL, weight INTEGER NOT NULL DEFAULT 0, version INTEGER NOT NULL, state TEXT NOT NULL, created INTEGER NOT NULL,
  owned INTEGER NOT NULL DEFAULT 0, fails INTEGER NOT NULL DEFAULT 0, next_try INTEGER NOT NULL DEFAULT 0,
  eff_version INTEGER, message TEXT NOT NULL DEFAULT '', description TEXT NOT NULL, metadata TEXT NOT NULL,
  data TEXT NOT NULL, result TEXT NOT NULL DEFAULT '', eff_data TEXT,
  handle BLOB NOT NULL DEFAULT x'', handle_schema INTEGER NOT NULL DEFAULT 0,
  UNIQUE (twin, contract, name),
  FOREIGN KEY (twin, contract) REFERENCES deployment (twin, contract) ON DELETE CASCADE);
CREATE INDEX workload_type ON workload (type);
CREATE TABLE shared (
  twin INTEGER NOT NULL, name TEXT NOT NULL, contract INTEGER NOT NULL, type TEXT NOT NULL, version INTEGER NOT NULL,
  PRIMARY KEY (twin, name),
  FOREIGN KEY (twin, contract) REFERENCES deployment (twin, contract) ON DELETE CASCADE) WITHOUT ROWID;
CREATE INDEX shared_contract ON shared (twin, contract);
CREATE TABLE uses (
  twin INTEGER NOT NULL, contract INTEGER NOT NULL, name TEXT NOT NULL, shared_name TEXT NOT NULL,
  PRIMARY KEY (twin, contract, name, shared_name),
  FOREIGN KEY (twin, contract) REFERENCES deployment (twin, contract) ON DELETE CASCADE) WITHOUT ROWID;
CREATE INDEX uses_shared ON uses (twin, shared_name);
CREATE TABLE change (
  seq INTEGER PRIMARY KEY, twin INTEGER NOT NULL, contract INTEGER NOT NULL, name TEXT NOT NULL,
  type TEXT NOT NULL, version INTEGER NOT NULL, state TEXT NOT NULL, created INTEGER NOT NULL, message TEXT NOT NULL,
  body TEXT NOT NULL,
  FOREIGN KEY (twin, contract) REFERENCES deployment (twin, contract) ON DELETE CASCADE);
CREATE INDEX change_workload ON change (twin, contract, name);
CREATE TABLE job (
  id INTEGER PRIMARY KEY AUTOINCREMENT, twin INTEGER NOT NULL, contract INTEGER NOT NULL, kind INTEGER NOT NULL,
  version INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL, started INTEGER NOT NULL DEFAULT 0,
  target TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '', doc TEXT NOT NULL DEFAULT '',
  FOREIGN KEY (twin, contract) REFERENCES deployment (twin, contract) ON DELETE CASCADE);
CREATE INDEX job_deployment ON job (twin, contract);
CREATE TABLE step (
  job INTEGER NOT NULL REFERENCES job ON DELETE CASCADE, name TEXT NOT NULL, op INTEGER NOT NULL, idx INTEGER NOT NULL,
  state INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0, generation INTEGER NOT NULL,
  PRIMARY KEY (job, name, op)) WITHOUT ROWID;
CREATE TABLE reservation (
  twin INTEGER NOT NULL, contract INTEGER NOT NULL, name TEXT NOT NULL,
  cru INTEGER NOT NULL, mru INTEGER NOT NULL, sru INTEGER NOT NULL, hru INTEGER NOT NULL, ipv4u INTEGER NOT NULL,
  PRIMARY KEY (twin, contract, name),
  FOREIGN KEY (twin, contract, name) REFERENCES workload (twin, contract, name) ON DELETE CASCADE) WITHOUT ROWID;
CREATE TABLE okay (
  twin INTEGER NOT NULL, contract INTEGER NOT NULL, workloads INTEGER NOT NULL, newest INTEGER NOT NULL,
  PRIMARY KEY (twin, contract),
  FOREIGN KEY (twin, contract) REFERENCES deployment (twin, contract) ON DELETE CASCADE) WITHOUT ROWID;
CREATE INDEX okay_newest ON okay (newest);
CREATE TABLE outbox (
  kind INTEGER NOT NULL, contract INTEGER NOT NULL, start INTEGER NOT NULL, twin INTEGER NOT NULL DEFAULT 0,
  window INTEGER NOT NULL DEFAULT 0, nru INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL, changed INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0, next_try INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (kind, contract, start)) WITHOUT ROWID;
CREATE TABLE counter (
  workload TEXT NOT NULL, metric TEXT NOT NULL, last INTEGER NOT NULL, total INTEGER NOT NULL,
  PRIMARY KEY (workload, metric)) WITHOUT ROWID;
CREATE TABLE tombstone (
  id INTEGER PRIMARY KEY AUTOINCREMENT, twin INTEGER NOT NULL, contract INTEGER NOT NULL, removed INTEGER NOT NULL,
  history TEXT NOT NULL);
CREATE INDEX tombstone_deployment ON tombstone (twin, contract);
CREATE TABLE plugin_kv (
  plugin TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (plugin, key)) WITHOUT ROWID;

CREATE TABLE total (
  id INTEGER PRIMARY KEY CHECK (id = 1), deployments INTEGER NOT NULL DEFAULT 0, okay_deployments INTEGER NOT NULL DEFAULT 0,
  okay_workloads INTEGER NOT NULL DEFAULT 0, cru INTEGER NOT NULL DEFAULT 0, mru INTEGER NOT NULL DEFAULT 0,
  sru INTEGER NOT NULL DEFAULT 0, hru INTEGER NOT NULL DEFAULT 0, ipv4u INTEGER NOT NULL DEFAULT 0);
INSERT INTO total (id) VALUES (1);
CREATE TABLE twin_total (twin INTEGER PRIMARY KEY, deployments INTEGER NOT NULL);
)sql";

// Keys have the contract first: ids grow, so that new rows meet in the same pages whoever they
// belong to. Entries of the version that a workload has borrow its data.
constexpr std::string_view kVersion2 = R"sql(
CREATE TABLE new_deployment (
  id INTEGER PRIMARY KEY, twin INTEGER NOT NULL, contract INTEGER NOT NULL, version INTEGER NOT NULL, hash TEXT NOT NULL,
  desired TEXT NOT NULL, validated INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
  message TEXT NOT NULL DEFAULT '', header TEXT NOT NULL, doc TEXT NOT NULL, UNIQUE (contract, twin));
INSERT INTO new_deployment SELECT * FROM deployment;
DROP TABLE deployment;
ALTER TABLE new_deployment RENAME TO deployment;
CREATE INDEX deployment_twin ON deployment (twin);
CREATE TABLE new_workload (
  id INTEGER PRIMARY KEY, twin INTEGER NOT NULL, contract INTEGER NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL,
  pos INTEGER NOT NULL, weight INTEGER NOT NULL DEFAULT 0, version INTEGER NOT NULL, state TEXT NOT NULL, created INTEGER NOT NULL,
  owned INTEGER NOT NULL DEFAULT 0, fails INTEGER NOT NULL DEFAULT 0, next_try INTEGER NOT NULL DEFAULT 0,
  eff_version INTEGER, message TEXT NOT NULL DEFAULT '', description TEXT NOT NULL, metadata TEXT NOT NULL,
  data TEXT NOT NULL, result TEXT NOT NULL DEFAULT '', eff_data TEXT,
  handle BLOB NOT NULL DEFAULT x'', handle_schema INTEGER NOT NULL DEFAULT 0,
  UNIQUE (contract, twin, name),
  FOREIGN KEY (twin, contract) REFERENCES deployment (twin, contract) ON DELETE CASCADE);
INSERT INTO new_workload SELECT * FROM workload;
DROP TABLE workload;
ALTER TABLE new_workload RENAME TO workload;
CREATE INDEX workload_type ON workload (type);
CREATE TABLE new_reservation (
  twin INTEGER NOT NULL, contract INTEGER NOT NULL, name TEXT NOT NULL,
  cru INTEGER NOT NULL, mru INTEGER NOT NULL, sru INTEGER NOT NULL, hru INTEGER NOT NULL, ipv4u INTEGER NOT NULL,
  PRIMARY KEY (contract, twin, name),
  FOREIGN KEY (twin, contract, name) REFERENCES workload (twin, contract, name) ON DELETE CASCADE) WITHOUT ROWID;
INSERT INTO new_reservation SELECT * FROM reservation;
DROP TABLE reservation;
ALTER TABLE new_reservation RENAME TO reservation;
CREATE TABLE new_okay (
  twin INTEGER NOT NULL, contract INTEGER NOT NULL, workloads INTEGER NOT NULL, newest INTEGER NOT NULL,
  PRIMARY KEY (contract, twin),
  FOREIGN KEY (twin, contract) REFERENCES deployment (twin, contract) ON DELETE CASCADE) WITHOUT ROWID;
INSERT INTO new_okay SELECT * FROM okay;
DROP TABLE okay;
ALTER TABLE new_okay RENAME TO okay;
CREATE INDEX okay_newest ON okay (newest);
DROP INDEX change_workload;
CREATE INDEX change_workload ON change (contract, twin, name);
DROP INDEX job_deployment;
CREATE INDEX job_deployment ON job (contract, twin);
ALTER TABLE change ADD COLUMN result TEXT;
ALTER TABLE change ADD COLUMN data TEXT;
ALTER TABLE change ADD COLUMN metadata TEXT;
ALTER TABLE change ADD COLUMN description TEXT;
UPDATE change SET result = COALESCE(NULLIF(body -> '$.result.data', 'null'), ''), data = COALESCE(body -> '$.data', 'null'),
  metadata = COALESCE(body ->> '$.metadata', ''), description = COALESCE(body ->> '$.description', '');
ALTER TABLE change DROP COLUMN body;
)sql";

// Fewer rows for what happens to every workload. A job's journal is a list in its row, see
// steps.cpp. The entries of a deployment's history lie together and count on their own.
constexpr std::string_view kVersion3 = R"sql(
DROP TRIGGER workload_changed;
DROP TRIGGER workload_answered;
DROP TRIGGER workload_erased;
ALTER TABLE job ADD COLUMN steps TEXT NOT NULL DEFAULT '[]';
UPDATE job SET steps = (SELECT json_group_array(json_array(name, op, idx, state, tries, crashes, generation, 0))
  FROM (SELECT * FROM step WHERE step.job = job.id ORDER BY idx));
DROP TABLE step;
CREATE TABLE new_change (
  twin INTEGER NOT NULL, contract INTEGER NOT NULL, seq INTEGER NOT NULL, name TEXT NOT NULL,
  type TEXT NOT NULL, version INTEGER NOT NULL, state TEXT NOT NULL, created INTEGER NOT NULL, message TEXT NOT NULL,
  result TEXT, data TEXT, metadata TEXT, description TEXT,
  PRIMARY KEY (contract, twin, seq),
  FOREIGN KEY (twin, contract) REFERENCES deployment (twin, contract) ON DELETE CASCADE) WITHOUT ROWID;
INSERT INTO new_change SELECT twin, contract, seq, name, type, version, state, created, message, result, data, metadata,
  description FROM change;
DROP TABLE change;
ALTER TABLE new_change RENAME TO change;
)sql";

// The workloads of a deployment are one row with the history of their present versions, see
// workload_body.hpp; what the rest of the history borrowed it has now. Their counts are columns, so
// that the totals follow by triggers.
constexpr std::string_view kVersion4 = R"sql(
CREATE TABLE workloads (
  id INTEGER PRIMARY KEY REFERENCES deployment (id) ON DELETE CASCADE,
  okay INTEGER NOT NULL, newest INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX workloads_newest ON workloads (newest) WHERE newest > 0;
CREATE TABLE deployment_type (type TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (type, id)) WITHOUT ROWID;
CREATE TABLE new_reservation (
  twin INTEGER NOT NULL, contract INTEGER NOT NULL, name TEXT NOT NULL,
  cru INTEGER NOT NULL, mru INTEGER NOT NULL, sru INTEGER NOT NULL, hru INTEGER NOT NULL, ipv4u INTEGER NOT NULL,
  PRIMARY KEY (contract, twin, name),
  FOREIGN KEY (twin, contract) REFERENCES deployment (twin, contract) ON DELETE CASCADE) WITHOUT ROWID;
INSERT INTO new_reservation SELECT twin, contract, name, cru, mru, sru, hru, ipv4u FROM reservation;
DROP TABLE okay;
)sql";

constexpr std::string_view kVersion4End = R"sql(
DELETE FROM change WHERE data IS NULL;
DROP TABLE reservation;
DROP TABLE workload;
ALTER TABLE new_reservation RENAME TO reservation;
UPDATE total SET okay_workloads = (SELECT COALESCE(SUM(okay), 0) FROM workloads),
  okay_deployments = (SELECT COUNT(*) FROM workloads WHERE okay > 0);
)sql";

// What became of the workloads has a row of its own: it changes more often than what is wanted of
// them, and is not there before anything became of them.
constexpr std::string_view kVersion5 = R"sql(
CREATE TABLE new_workloads (id INTEGER PRIMARY KEY REFERENCES deployment (id) ON DELETE CASCADE, body BLOB NOT NULL);
CREATE TABLE status (
  id INTEGER PRIMARY KEY REFERENCES deployment (id) ON DELETE CASCADE,
  okay INTEGER NOT NULL, newest INTEGER NOT NULL, body BLOB NOT NULL);
)sql";

constexpr std::string_view kVersion5End = R"sql(
DROP TABLE workloads;
ALTER TABLE new_workloads RENAME TO workloads;
CREATE INDEX status_newest ON status (newest) WHERE newest > 0;
)sql";

}  // namespace

std::span<MigrationStep const> SchemaSteps() {
  static std::string const kFirst = fmt::format("{}{}{}{}", kVersion1, kTotals, kReserved, kOkay);
  static std::string const kSecond =
      fmt::format("{}{}{}{}{}", kVersion2, kLending, kTotals, kReserved, kOkay);
  static std::string const kThird = fmt::format("{}{}", kVersion3, kLending);
  static std::string const kFourthEnd =
      fmt::format("{}{}{}", kVersion4End, fmt::format(kOkayOf, "workloads"), kReserved);
  static std::string const kFifthEnd =
      fmt::format("{}{}", kVersion5End, fmt::format(kOkayOf, "status"));
  static std::array<MigrationStep, 5> const kSteps{{{kFirst},
                                                    {kSecond},
                                                    {kThird},
                                                    {kVersion4, GatherWorkloads, kFourthEnd},
                                                    {kVersion5, SplitWorkloads, kFifthEnd}}};
  return kSteps;
}

Result<void> Migrate(Database& database) {
  return RunMigrations(database, SchemaSteps());
}

Result<std::unique_ptr<Database>> OpenStore(std::filesystem::path const& file, Damage& damage) {
  // SQLite would take the log for an old one and delete it.
  std::error_code missing;
  auto const log = std::filesystem::file_size(file.string() + "-wal", missing);
  bool const logged = !missing && log > 0;
  auto const main = std::filesystem::file_size(file, missing);
  if (logged && (missing || main == 0))
    return Fail(Code::kIo, "'{}' is gone, but its log '{}-wal' is there", file.string(),
                file.string());
  TRELLIS_TRY(auto database, Database::Open(file, Database::Mode::kReadWrite, &damage));
  TRELLIS_TRY(auto const version, database->UserVersion());
  bool const first =
      main <= kMostCheckedFirst || version < static_cast<std::int64_t>(SchemaSteps().size());
  if (first) {
    TRELLIS_CHECK(database->CheckStructure().map_error(
        [&](Error error) { return std::move(error).With("'{}' is damaged", file.string()); }));
  }
  TRELLIS_CHECK(Migrate(*database));
  if (!first) damage.SetChecking(true);
  return database;
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
