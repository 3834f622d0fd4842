// What a power loss leaves of a database, and what a full disk does. Only in builds with fail
// points.
#include "kernel/store/fault_vfs.hpp"

#include "kernel/store/database.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>

namespace trellis::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSector = 512;

std::string ReadAll(fs::path const& file) {
  std::ostringstream bytes;
  bytes << std::ifstream(file, std::ios::binary).rdbuf();
  return std::move(bytes).str();
}
void WriteAll(fs::path const& file, std::string const& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

class FaultVfs : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new testing::TempDir;
    ::setenv("TRELLIS_FAULT_VFS", folder_->path().c_str(), 1);
  }
  static void TearDownTestSuite() { delete folder_; }

  std::unique_ptr<Database> OpenWith(std::string const& pragma) {
    auto db = Database::Open(dir_ / file_, Database::Mode::kReadWrite);
    EXPECT_TRUE(db) << db.error().message;
    EXPECT_TRUE((*db)->Exec("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, x BLOB)"));
    EXPECT_TRUE((*db)->Exec(pragma));
    return *std::move(db);
  }
  static void Insert(Database& db, int count) {
    for (int i = 0; i < count; ++i)
      EXPECT_TRUE(db.Exec("INSERT INTO t (x) VALUES (randomblob(700))"));
  }

  /// The rows of what a power loss now would leave. `kept` says which unsynced sectors reached the
  /// disk all the same. -1: the database is damaged.
  template <class Kept>
  std::int64_t RowsAfterPowerLoss(Kept&& kept) {
    testing::TempDir after;
    for (auto const* end : {"", "-wal", "-journal"}) {
      auto const name = file_ + end;
      if (!fs::exists(*folder_ / name)) continue;
      auto bytes = ReadAll(*folder_ / name);
      auto const live = ReadAll(dir_ / name);
      for (std::size_t at = 0; at < live.size(); at += kSector) {
        auto const sector = live.substr(at, kSector);
        if (bytes.compare(std::min(at, bytes.size()), sector.size(), sector) == 0 || !kept())
          continue;
        if (bytes.size() < at + sector.size()) bytes.resize(at + sector.size(), '\0');
        bytes.replace(at, sector.size(), sector);
      }
      WriteAll(after / name, bytes);
    }
    auto db = Database::Open(after / file_, Database::Mode::kReadWrite);
    if (!db) return -1;
    auto check = (*db)->Prepare("PRAGMA integrity_check");
    if (!check->Step().value_or(false) || check->Text(0) != "ok") return -1;
    auto count = (*db)->Prepare("SELECT count(*) FROM t");
    return count && count->Step().value_or(false) ? count->Int(0) : -1;
  }
  std::int64_t RowsAfterPowerLoss() {
    return RowsAfterPowerLoss([] { return false; });
  }

  static testing::TempDir* folder_;
  testing::TempDir dir_;
  std::string file_ =
      std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()) + ".db";
};
testing::TempDir* FaultVfs::folder_ = nullptr;

TEST_F(FaultVfs, KeepsEveryCommitOfTheStoresOwnSettings) {
  auto const db = OpenWith("SELECT 1");

  for (int rows = 7; rows <= 70; rows += 7) {
    Insert(*db, 7);
    EXPECT_EQ(RowsAfterPowerLoss(), rows);
  }
}

TEST_F(FaultVfs, KeepsEveryCommitAcrossCheckpoints) {
  auto const db = OpenWith("PRAGMA wal_autocheckpoint=20");

  for (int rows = 50; rows <= 500; rows += 50) {
    Insert(*db, 50);
    EXPECT_EQ(RowsAfterPowerLoss(), rows);
  }
}

TEST_F(FaultVfs, KeepsEveryCommitAcrossReopening) {
  for (int rows = 20; rows <= 100; rows += 20) {
    {
      auto const db = OpenWith("SELECT 1");
      Insert(*db, 20);
    }
    EXPECT_EQ(RowsAfterPowerLoss(), rows);
  }
}

TEST_F(FaultVfs, LosesCommitsWithoutSync) {
  auto const db = OpenWith("PRAGMA synchronous=OFF");

  Insert(*db, 50);

  EXPECT_LT(RowsAfterPowerLoss(), 50);
}

TEST_F(FaultVfs, LosesCommitsThatAreSyncedLater) {
  auto const db = OpenWith("PRAGMA synchronous=NORMAL");

  Insert(*db, 50);

  EXPECT_LT(RowsAfterPowerLoss(), 50);
}

TEST_F(FaultVfs, AnyTornWriteLeavesASoundStoreWithAllCommits) {
  auto const db = OpenWith("PRAGMA wal_autocheckpoint=20");
  std::mt19937 random(7);

  for (int rows = 5; rows <= 200; rows += 5) {
    Insert(*db, 5);
    EXPECT_TRUE(db->Exec("BEGIN; UPDATE t SET x = randomblob(900)"));
    EXPECT_TRUE(db->Exec("PRAGMA cache_spill=1; PRAGMA cache_size=4"));
    EXPECT_EQ(RowsAfterPowerLoss([&] { return random() % 2 == 0; }), rows);
    EXPECT_TRUE(db->Exec("ROLLBACK"));
  }
}

TEST_F(FaultVfs, TornWritesWithoutSyncAreNoticed) {
  auto const db = OpenWith("PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=5");
  std::mt19937 random(7);
  int wrong = 0;

  for (int rows = 50; rows <= 500; rows += 50) {
    Insert(*db, 50);
    if (RowsAfterPowerLoss([&] { return random() % 2 == 0; }) != rows) ++wrong;
  }

  EXPECT_GT(wrong, 0);
}

TEST_F(FaultVfs, FullDiskFailsTheCommitAndKeepsTheRest) {
  auto const db = OpenWith("SELECT 1");
  Insert(*db, 3);

  WriteAll(*folder_ / (file_ + ".full"), "");
  auto const refused = db->Exec("INSERT INTO t (x) VALUES (randomblob(700))");
  fs::remove(*folder_ / (file_ + ".full"));

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kExhausted);
  EXPECT_EQ(RowsAfterPowerLoss(), 3);
  Insert(*db, 1);
  EXPECT_EQ(RowsAfterPowerLoss(), 4);
}

}  // namespace
}  // namespace trellis::store
