#include "kernel/ledger/embedded/schema.hpp"

#include "kernel/base/random.hpp"
#include "kernel/ledger/embedded/blocks.hpp"
#include "kernel/ledger/text_types.hpp"
#include "kernel/store/query.hpp"

namespace trellis::ledger::embedded {
namespace {

constexpr std::int64_t kVersion = 2;

// Numbers: contract.kind 0 node, 1 name, 2 rent; contract.state 0 created, 1 deleted, 2 grace
// period; power 0 up, 1 down. AUTOINCREMENT: ids of contracts and events are never reused, also
// after old rows were removed.
constexpr std::string_view kTables = R"sql(
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE twin (
  id INTEGER PRIMARY KEY, account TEXT NOT NULL UNIQUE, relay TEXT, pk TEXT,
  verified INTEGER NOT NULL DEFAULT 1, created INTEGER NOT NULL);
CREATE TABLE farm (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, twin INTEGER NOT NULL REFERENCES twin,
  dedicated INTEGER NOT NULL);
CREATE TABLE farm_ip (
  farm INTEGER NOT NULL REFERENCES farm, ip TEXT NOT NULL UNIQUE, gateway TEXT NOT NULL,
  contract INTEGER NOT NULL DEFAULT 0, pos INTEGER NOT NULL, PRIMARY KEY (farm, ip)) WITHOUT ROWID;
CREATE INDEX farm_ip_order ON farm_ip (farm, pos);
CREATE TABLE node (
  id INTEGER PRIMARY KEY, farm INTEGER NOT NULL REFERENCES farm, twin INTEGER NOT NULL UNIQUE REFERENCES twin,
  body TEXT NOT NULL, public_config TEXT, power_state INTEGER NOT NULL DEFAULT 0,
  power_target INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL);
CREATE INDEX node_farm ON node (farm);
CREATE TABLE contract (
  id INTEGER PRIMARY KEY AUTOINCREMENT, twin INTEGER NOT NULL REFERENCES twin, kind INTEGER NOT NULL,
  node INTEGER NOT NULL DEFAULT 0, hash TEXT NOT NULL DEFAULT '', data TEXT NOT NULL DEFAULT '',
  ips INTEGER NOT NULL DEFAULT 0, name TEXT NOT NULL DEFAULT '', state INTEGER NOT NULL DEFAULT 0,
  state_arg INTEGER NOT NULL DEFAULT 0, provider INTEGER, created INTEGER NOT NULL, changed INTEGER NOT NULL);
CREATE UNIQUE INDEX contract_hash ON contract (node, hash) WHERE kind = 0 AND state <> 1;
CREATE UNIQUE INDEX contract_name ON contract (name) WHERE kind = 1 AND state <> 1;
CREATE UNIQUE INDEX contract_rent ON contract (node) WHERE kind = 2 AND state <> 1;
CREATE INDEX contract_node ON contract (node, id) WHERE kind = 0 AND state <> 1;
CREATE INDEX contract_twin ON contract (twin, id);
CREATE INDEX contract_deleted ON contract (changed) WHERE state = 1;
CREATE TABLE contract_ip (
  contract INTEGER NOT NULL REFERENCES contract ON DELETE CASCADE, ip TEXT NOT NULL, gateway TEXT NOT NULL,
  pos INTEGER NOT NULL, PRIMARY KEY (contract, pos)) WITHOUT ROWID;
CREATE TABLE resources (
  contract INTEGER PRIMARY KEY REFERENCES contract ON DELETE CASCADE, hru INTEGER NOT NULL, sru INTEGER NOT NULL,
  cru INTEGER NOT NULL, mru INTEGER NOT NULL, at INTEGER NOT NULL);
CREATE TABLE nru (
  contract INTEGER NOT NULL REFERENCES contract ON DELETE CASCADE, start INTEGER NOT NULL, window INTEGER NOT NULL,
  nru INTEGER NOT NULL, PRIMARY KEY (contract, start)) WITHOUT ROWID;
CREATE TABLE uptime (
  node INTEGER NOT NULL REFERENCES node, at INTEGER NOT NULL, uptime INTEGER NOT NULL,
  PRIMARY KEY (node, at)) WITHOUT ROWID;
CREATE TABLE event (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, height INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL,
  node INTEGER NOT NULL, contract INTEGER NOT NULL, twin INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE applied (
  twin INTEGER NOT NULL, request TEXT NOT NULL, at INTEGER NOT NULL, arguments TEXT NOT NULL, result TEXT NOT NULL,
  PRIMARY KEY (twin, request)) WITHOUT ROWID;
CREATE INDEX applied_at ON applied (at);
INSERT INTO meta VALUES ('height', 0);
PRAGMA user_version = 1;
)sql";

// Since version 2 every write is a block of a chain, for clients that speak the chain's protocol.
constexpr std::string_view kBlocks = R"sql(
CREATE TABLE block (
  height INTEGER PRIMARY KEY, at INTEGER NOT NULL, hash BLOB NOT NULL, parent BLOB NOT NULL, extrinsic BLOB NOT NULL,
  outcome TEXT NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL);
CREATE INDEX block_hash ON block (hash);
CREATE TABLE nonce (account TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
PRAGMA user_version = 2;
)sql";

/// The first block: at the height that the ledger has already.
Result<void> MakeGenesis(store::Database& db) {
  Account root;
  FillRandom(root.bytes);
  Account genesis;
  genesis.bytes = substrate::HashOf(GenesisHeader(root));
  TRELLIS_CHECK(store::Run(db, "REPLACE INTO meta VALUES ('genesis_root', ?1)", root.ToString()));
  TRELLIS_CHECK(store::Run(db, "REPLACE INTO meta VALUES ('genesis', ?1)", genesis.ToString()));
  return store::Run(db,
                    "INSERT INTO block SELECT value, 0, ?1, zeroblob(32), x'', '', 0, 0 FROM meta "
                    "WHERE key = 'height'",
                    genesis.bytes);
}

Result<void> MakeTables(store::Database& db) {
  // Another process may have been quicker: look again now that nobody else writes.
  TRELLIS_TRY(auto const version, db.UserVersion());
  if (version == kVersion) return {};
  if (version > kVersion) {
    return Fail(Code::kConflict, "ledger has schema {}, this program knows {}", version, kVersion);
  }
  if (version == 0) TRELLIS_CHECK(db.Exec(kTables));
  TRELLIS_CHECK(db.Exec(kBlocks));
  return MakeGenesis(db);
}

}  // namespace

Result<void> Migrate(store::Database& db) {
  TRELLIS_CHECK(db.Exec("BEGIN IMMEDIATE"));
  auto const made = MakeTables(db);
  db.EndReads();
  TRELLIS_CHECK(db.Exec(made ? "COMMIT" : "ROLLBACK"));
  return made;
}

}  // namespace trellis::ledger::embedded
