#include "kernel/store/migrations.hpp"

#include "kernel/store/query.hpp"
#include "kernel/store/records.hpp"
#include "kernel/store/schema.hpp"
#include "kernel/store/structure_check.hpp"
#include "kernel/store/workload_format1.hpp"
#include "kernel/sys/files.hpp"
#include "tests/support/store_rows.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <filesystem>

namespace trellis::store {
namespace {

namespace fs = std::filesystem;

constexpr char const* kFirst = "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1);";
constexpr char const* kSecond = "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 7;";
constexpr char const* kBroken = "CREATE TABLE b (x INTEGER); INSERT INTO nowhere VALUES (1);";
constexpr std::array kOld{MigrationStep{kFirst}};
constexpr std::array kNew{MigrationStep{kFirst}, MigrationStep{kSecond}};

class Migrations : public ::testing::Test {
 protected:
  std::unique_ptr<Database> Open(fs::path const& file) {
    return Database::Open(file, Database::Mode::kReadWrite).value();
  }
  static std::int64_t Count(Database& db, std::string_view sql) {
    auto statement = db.Prepare(sql);
    return statement && statement->Step().value_or(false) ? statement->Int(0) : -1;
  }

  testing::TempDir dir_;
  fs::path file_ = dir_ / "m.db";
};

TEST_F(Migrations, RunOnlyWhatIsMissing) {
  auto const db = Open(file_);
  ASSERT_TRUE(RunMigrations(*db, kOld));

  ASSERT_TRUE(RunMigrations(*db, kNew));
  ASSERT_TRUE(RunMigrations(*db, kNew));

  EXPECT_EQ(db->UserVersion().value(), 2);
  EXPECT_EQ(Count(*db, "SELECT y FROM a"), 7);
}

TEST_F(Migrations, CopyWhatIsThereFirst) {
  auto const db = Open(file_);
  ASSERT_TRUE(RunMigrations(*db, kOld));
  ASSERT_TRUE(db->Exec("INSERT INTO a VALUES (2)"));

  ASSERT_TRUE(RunMigrations(*db, kNew));

  auto const copy = Open(dir_ / "m.db.bak-1");
  EXPECT_EQ(copy->UserVersion().value(), 1);
  EXPECT_EQ(Count(*copy, "SELECT count(*) FROM a"), 2);
  struct stat info {};
  ASSERT_EQ(::stat((dir_ / "m.db.bak-1").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(Migrations, CopyNothingOfANewFile) {
  auto const db = Open(file_);

  ASSERT_TRUE(RunMigrations(*db, kNew));

  EXPECT_FALSE(fs::exists(dir_ / "m.db.bak-0"));
}

TEST_F(Migrations, ChangeNothingInTheStepThatFails) {
  auto const db = Open(file_);
  constexpr std::array kBad{MigrationStep{kFirst}, MigrationStep{kSecond}, MigrationStep{kBroken}};
  ASSERT_TRUE(RunMigrations(*db, kOld));

  auto const failed = RunMigrations(*db, kBad);

  ASSERT_FALSE(failed);
  EXPECT_EQ(db->UserVersion().value(), 2);
  EXPECT_EQ(Count(*db, "SELECT count(*) FROM sqlite_master WHERE name = 'b'"), 0);
  EXPECT_TRUE(db->Exec("BEGIN IMMEDIATE; COMMIT"));
}

TEST_F(Migrations, RefuseTheFileOfANewerProgram) {
  auto const db = Open(file_);
  ASSERT_TRUE(RunMigrations(*db, kNew));

  EXPECT_EQ(RunMigrations(*db, kOld).error().code, Code::kConflict);
}

TEST_F(Migrations, WithoutACopyNothingIsChanged) {
  auto const db = Open(file_);
  ASSERT_TRUE(RunMigrations(*db, kOld));
  fs::create_directories(dir_ / "m.db.bak-1/in-the-way");

  EXPECT_FALSE(RunMigrations(*db, kNew));
  EXPECT_EQ(db->UserVersion().value(), 1);
}

class OpeningTheStore : public Migrations {
 protected:
  OpeningTheStore() {
    damage_.OnReport([this](std::string const&) { ++reports_; });
  }
  void MakeStore() {
    auto const db = OpenStore(file_, damage_).value();
    ASSERT_TRUE(db->Begin(Database::Transaction::kWrite));
    for (int i = 0; i < 2000; ++i)
      ASSERT_TRUE(SetMeta(*db, "key" + std::to_string(i), "value"));
    ASSERT_TRUE(db->Commit());
  }

  Damage damage_;
  int reports_ = 0;
};

TEST_F(OpeningTheStore, MakesOneWhereThereIsNone) {
  auto const db = OpenStore(file_, damage_);

  ASSERT_TRUE(db) << db.error().message;
  EXPECT_EQ(GetMeta(**db, "generation").value(), "");
}

TEST_F(OpeningTheStore, KeepsTheHistoryOfAnOlderOne) {
  {
    auto const old = Open(file_);
    ASSERT_TRUE(RunMigrations(*old, SchemaSteps().first(1)));
    ASSERT_TRUE(old->Exec(R"(
      INSERT INTO deployment VALUES (1, 7, 100, 0, '', 'present', 1, 5, 5, '', '"version":0', '{}');
      INSERT INTO change VALUES (1, 7, 100, 'vm', 'zmachine', 2, 'init', 5, '',
        '{"version":2,"name":"vm","data":{"cpu":1.50,"mounts":null},"metadata":"m","description":"","result":{"created":5,"data":null}}');
      INSERT INTO change VALUES (2, 7, 100, 'vm', 'zmachine', 2, 'ok', 6, '',
        '{"version":2,"name":"vm","data":{"cpu":1.50},"metadata":"m","description":"","result":{"created":6,"data":{"id":"a"}}}');)"));
  }
  auto const db = OpenStore(file_, damage_);
  ASSERT_TRUE(db) << db.error().message;

  auto const entries = ListChanges(**db, {7, 100}).value();

  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].result, "");
  EXPECT_EQ(entries[0].data, R"({"cpu":1.50,"mounts":null})");
  EXPECT_EQ(entries[1].result, R"({"id":"a"})");
  EXPECT_EQ(entries[1].state, "ok");
  EXPECT_EQ(entries[1].metadata, "m");
  EXPECT_TRUE(fs::exists(file_.string() + ".bak-1"));
}

TEST_F(OpeningTheStore, KeepsTheJournalsOfAnOlderOne) {
  {
    auto const old = Open(file_);
    ASSERT_TRUE(RunMigrations(*old, SchemaSteps().first(2)));
    ASSERT_TRUE(old->Exec(R"(
      INSERT INTO deployment VALUES (1, 7, 100, 0, '', 'present', 1, 5, 5, '', '"version":0', '{}');
      INSERT INTO workload (twin, contract, name, type, pos, version, state, created, description, metadata, data)
        VALUES (7, 100, 'vm', 'zmachine', 0, 0, 'init', 5, '', 'm', '{"cpu":1}');
      INSERT INTO change (twin, contract, name, type, version, state, created, message)
        VALUES (7, 100, 'vm', 'zmachine', 0, 'init', 5, '');
      INSERT INTO job (id, twin, contract, kind, version, created) VALUES (3, 7, 100, 1, 0, 5), (4, 7, 100, 3, 0, 6);
      INSERT INTO step VALUES (3, 'vm', 1, 1, 1, 2, 1, 9), (3, 'net', 1, 0, 2, 0, 0, 8);)"));
  }
  auto const db = OpenStore(file_, damage_);
  ASSERT_TRUE(db) << db.error().message;

  EXPECT_EQ(*ListSteps(**db, 3), (std::vector<StepRow>{{"net", 1, 0, StepState::kDone, 0, 8, 0},
                                                       {"vm", 1, 1, StepState::kIntent, 1, 9, 2}}));
  EXPECT_TRUE(ListSteps(**db, 4)->empty());
  ASSERT_EQ(ListJobs(**db, std::nullopt)->size(), 2U);
  // The entry still borrows from its workload, and gets its own data when that goes.
  EXPECT_EQ(ListChanges(**db, {7, 100})->front().data, R"({"cpu":1})");
  ASSERT_TRUE(EraseWorkload(**db, {7, 100}, "vm"));
  EXPECT_EQ(ListChanges(**db, {7, 100})->front().data, R"({"cpu":1})");
}

TEST_F(OpeningTheStore, KeepsTheWorkloadsOfAnOlderOne) {
  {
    auto const old = Open(file_);
    ASSERT_TRUE(RunMigrations(*old, SchemaSteps().first(3)));
    ASSERT_TRUE(old->Exec(R"(
      INSERT INTO deployment VALUES (4, 7, 100, 2, 'h', 'present', 1, 5, 6, '', '"version":2', '{}');
      INSERT INTO deployment VALUES (5, 8, 101, 0, 'h', 'present', 1, 5, 6, '', '"version":0', '{}');
      INSERT INTO workload VALUES (1, 7, 100, 'vm', 'zmachine', 1, -3, 2, 'ok', 9, 1, 4, 77, 1, 'm', 'd', 'meta',
        '{"cpu":2}', '{"ip":2}', '{"cpu":1}', x'00ff', 6);
      INSERT INTO workload VALUES (2, 7, 100, 'disk', 'zmount', 0, 0, 0, 'error', 8, 1, 0, 0, 0, '', '', '',
        '{"size":1}', '', NULL, x'', 0);
      INSERT INTO change VALUES (7, 100, 1, 'vm', 'zmachine', 0, 'ok', 6, '', '{"ip":0}', '{"cpu":0}', 'old', 'od');
      INSERT INTO change VALUES (7, 100, 2, 'disk', 'zmount', 0, 'init', 6, '', '', NULL, NULL, NULL);
      INSERT INTO change VALUES (7, 100, 3, 'vm', 'zmachine', 2, 'error', 8, 'no', '', NULL, NULL, NULL);
      INSERT INTO change VALUES (7, 100, 4, 'vm', 'zmachine', 2, 'ok', 9, '', NULL, NULL, NULL, NULL);
      INSERT INTO deployment VALUES (6, 8, 102, 0, 'h', 'present', 1, 5, 6, '', '"version":0', '{}');
      INSERT INTO workload (twin, contract, name, type, pos, version, state, created, description, metadata, data)
        VALUES (8, 102, 'new', 'zmount', 0, 0, 'init', 6, '', '', '{"size":3}');
      INSERT INTO change VALUES (8, 102, 1, 'new', 'zmount', 0, 'init', 6, '', NULL, NULL, NULL, NULL);
      INSERT INTO reservation VALUES (7, 100, 'vm', 2, 4, 0, 0, 1);
      INSERT INTO okay VALUES (7, 100, 1, 9);)"));
  }
  auto const db = OpenStore(file_, damage_);
  ASSERT_TRUE(db) << db.error().message;

  auto const rows = ListWorkloads(**db, {7, 100}).value();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(std::tuple(rows[0].name, rows[0].data, rows[0].eff_data),
            std::tuple("disk", R"({"size":1})", R"({"size":1})"));
  auto const& vm = rows[1];
  EXPECT_EQ(std::tuple(vm.type, vm.pos, vm.weight, vm.version, vm.state, vm.created, vm.owned),
            std::tuple("zmachine", 1U, -3, 2U, "ok", 9, true));
  EXPECT_EQ(std::tuple(vm.fails, vm.next_try, vm.eff_version, vm.message, vm.description),
            std::tuple(4U, 77, 1U, "m", "d"));
  EXPECT_EQ(std::tuple(vm.metadata, vm.data, vm.result, vm.eff_data, vm.handle, vm.handle_schema),
            std::tuple("meta", R"({"cpu":2})", R"({"ip":2})", R"({"cpu":1})",
                       std::string("\0\xff", 2), 6U));
  EXPECT_TRUE(ListWorkloads(**db, {8, 101})->empty());
  std::vector<std::string> history;
  auto const changes = ListChanges(**db, {7, 100}).value();
  for (auto const& entry : changes)
    history.push_back(fmt::format("{} {} {} {} {} {}", entry.name, entry.version, entry.state,
                                  entry.data, entry.metadata, entry.result));
  EXPECT_EQ(history, (std::vector<std::string>{
                         R"(vm 0 ok {"cpu":0} old {"ip":0})", R"(disk 0 init {"size":1}  )",
                         R"(vm 2 error {"cpu":2} meta )", R"(vm 2 ok {"cpu":2} meta {"ip":2})"}));
  EXPECT_EQ(FindReservation(**db, {7, 100}, "vm")->value().mru, 4U);
  auto const totals = ReadTotals(**db).value();
  EXPECT_EQ(std::tuple(totals.deployments, totals.okay_deployments, totals.okay_workloads,
                       totals.newest, totals.reserved.cru),
            std::tuple(3, 1, 1, 9, 2U));
  EXPECT_EQ(ListActiveByType(**db, 0, "zmount")->size(), 2U);
  auto const untouched = ListChanges(**db, {8, 102}).value();
  ASSERT_EQ(untouched.size(), 1U);
  EXPECT_EQ(std::tuple(untouched[0].state, untouched[0].created, untouched[0].data),
            std::tuple("init", 6, R"({"size":3})"));
}

TEST_F(OpeningTheStore, SplitsTheWorkloadsOfAnOlderOne) {
  {
    auto const old = Open(file_);
    ASSERT_TRUE(RunMigrations(*old, SchemaSteps().first(4)));
    ASSERT_TRUE(old->Exec(R"(
      INSERT INTO deployment VALUES (4, 7, 100, 2, 'h', 'present', 1, 5, 6, '', '"version":2', '{}');
      INSERT INTO deployment VALUES (5, 8, 101, 0, 'h', 'present', 1, 5, 6, '', '"version":0', '{}');)"));
    WorkloadView fresh;
    fresh.name = "new";
    fresh.type = "zmount";
    BodyHead const head{.created = 6, .last_seq = 1, .older = 0, .workloads = 1};
    SetFresh(head, 0, fresh);
    auto settled = fresh;
    settled.state = "ok";
    settled.result = "{}";
    settled.entries.push_back({2, 7, "ok", "", "{}"});
    auto const put = [&](std::int64_t id, std::int64_t okay, std::string const& body) {
      std::vector<std::uint8_t> const bytes(body.begin(), body.end());
      ASSERT_TRUE(store::Run(*old,
                             "INSERT INTO workloads (id, okay, newest, body) VALUES (?,?,?,?)", id,
                             okay, okay * 7, bytes));
    };
    put(4, 1, PackFormat1({.last_seq = 2}, {settled}));
    put(5, 0, PackFormat1({.last_seq = 1}, {fresh}));
  }
  auto const db = OpenStore(file_, damage_);
  ASSERT_TRUE(db) << db.error().message;

  EXPECT_EQ(Count(**db, "SELECT COUNT(*) FROM status"), 1);
  EXPECT_EQ(ListChanges(**db, {7, 100})->size(), 2U);
  EXPECT_EQ(ListWorkloads(**db, {7, 100})->front().result, "{}");
  EXPECT_EQ(ListWorkloads(**db, {8, 101})->front().created, 6);
  auto const totals = ReadTotals(**db).value();
  EXPECT_EQ(std::tuple(totals.okay_workloads, totals.newest), std::tuple(1, 7));
}

TEST_F(OpeningTheStore, NoticesADamagedPageAndLeavesTheFileAlone) {
  MakeStore();
  auto bytes = sys::ReadFile(file_).value();
  for (std::size_t at = 4096; at + 4096 < bytes.size(); at += 4096)
    bytes.replace(at, 64, std::string(64, '\xA5'));
  ASSERT_TRUE(sys::WriteFileAtomic(file_, bytes));

  auto const opened = OpenStore(file_, damage_);

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kIo);
  EXPECT_EQ(sys::ReadFile(file_).value(), bytes);
  EXPECT_EQ(reports_, 1);
}

class LargeStore : public OpeningTheStore {
 protected:
  void SetUp() override {
    MakeStore();
    auto const db = Open(file_);
    std::string const value(std::size_t{1} << 20U, 'x');
    for (int i = 0; i < 17; ++i)
      ASSERT_TRUE(SetMeta(*db, fmt::format("large{}", i), value));
  }
};

TEST_F(LargeStore, IsLookedThroughWhileItIsUsed) {
  auto const db = OpenStore(file_, damage_);
  ASSERT_TRUE(db) << db.error().message;
  EXPECT_FALSE(damage_.IsFileSound());

  StructureCheck check(file_, damage_);
  EXPECT_TRUE(SetMeta(**db, "last", "value"));
  check.Wait();

  EXPECT_TRUE(damage_.IsFileSound());
  EXPECT_EQ(reports_, 0);
}

// Another program that believes itself alone takes the log away when it leaves.
TEST_F(LargeStore, IsNotLostToAnotherProgramThatLooksAtIt) {
  auto const db = OpenStore(file_, damage_);
  ASSERT_TRUE(db) << db.error().message;
  StructureCheck(file_, damage_).Wait();
  ASSERT_TRUE(SetMeta(**db, "last", "value"));

  auto const look = fmt::format("sqlite3 '{}' 'SELECT COUNT(*) FROM meta' >'{}'", file_.string(),
                                (dir_ / "answer").string());
  ASSERT_EQ(std::system(look.c_str()), 0);  // NOLINT(cert-env33-c,concurrency-mt-unsafe)

  EXPECT_TRUE(fs::exists(file_.string() + "-wal"));
  ASSERT_TRUE(SetMeta(**db, "last", "other"));
  auto const reader = Database::Open(file_, Database::Mode::kReadOnly).value();
  EXPECT_EQ(GetMeta(*reader, "last").value(), "other");
}

TEST_F(LargeStore, IsFoundDamagedWhileItIsUsed) {
  auto bytes = sys::ReadFile(file_).value();
  bytes.replace(bytes.size() / 2 / 4096 * 4096, 4, std::string(4, '\xA5'));  // a page's chain
  ASSERT_TRUE(sys::WriteFileAtomic(file_, bytes));
  auto const db = OpenStore(file_, damage_);
  ASSERT_TRUE(db) << db.error().message;

  StructureCheck(file_, damage_).Wait();

  EXPECT_EQ(reports_, 1);
  EXPECT_FALSE(damage_.IsFileSound());
}

TEST_F(LargeStore, IsNotReportedDamagedWhenTheCheckIsCutShort) {
  auto const db = OpenStore(file_, damage_);
  ASSERT_TRUE(db) << db.error().message;

  { StructureCheck const cut(file_, damage_); }

  EXPECT_EQ(reports_, 0);
}

TEST_F(OpeningTheStore, TakesNoOtherFileForAStore) {
  ASSERT_TRUE(sys::WriteFileAtomic(file_, std::string(8192, 'x')));

  EXPECT_EQ(OpenStore(file_, damage_).error().code, Code::kIo);
  EXPECT_EQ(sys::ReadFile(file_).value(), std::string(8192, 'x'));
}

TEST_F(OpeningTheStore, KeepsALogWhoseDatabaseIsGone) {
  MakeStore();
  auto const keep = Open(file_);  // so that the log stays
  ASSERT_TRUE(SetMeta(*keep, "last", "value"));
  fs::copy(file_.string() + "-wal", dir_ / "lost.db-wal");

  EXPECT_EQ(OpenStore(dir_ / "lost.db", damage_).error().code, Code::kIo);
  EXPECT_TRUE(fs::exists(dir_ / "lost.db-wal"));
}

TEST_F(OpeningTheStore, ReportsDamageThatAReadRunsInto) {
  MakeStore();
  auto const db = OpenStore(file_, damage_).value();
  auto bytes = sys::ReadFile(file_).value();
  for (std::size_t at = 4096; at + 4096 < bytes.size(); at += 4096)
    bytes.replace(at, 64, std::string(64, '\xA5'));
  ASSERT_TRUE(sys::WriteExisting(file_, bytes));
  auto const reader = Database::Open(file_, Database::Mode::kReadOnly, &damage_);

  bool const read = reader && GetMeta(**reader, "key1500");

  EXPECT_FALSE(read);
  EXPECT_EQ(reports_, 1);
}

}  // namespace
}  // namespace trellis::store
