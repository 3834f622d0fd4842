#include "kernel/store/database.hpp"
#include "kernel/store/query.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <memory>

namespace trellis::store {
namespace {

class GatherVfsTest : public ::testing::Test {
 protected:
  GatherVfsTest() {
    database_ = Database::Open(path(), Database::Mode::kReadWrite).value();
    EXPECT_TRUE(database_->Exec("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)"));
  }

  [[nodiscard]] std::filesystem::path path() const { return dir_.path() / "t.db"; }

  Result<void> Add(int rows, std::size_t bytes) {
    TRELLIS_CHECK(database_->Begin(Database::Transaction::kWrite));
    for (int i = 0; i < rows; ++i)
      TRELLIS_CHECK(
          store::Run(*database_, "INSERT INTO t (body) VALUES (?)", std::string(bytes, 'b')));
    return database_->Commit();
  }
  static std::int64_t Count(Database& database) {
    return One(database, "SELECT count(*) FROM t WHERE body <> ''",
               [](Statement const& row) { return row.Int(0); })
        .value()
        .value_or(-1);
  }

  testing::TempDir dir_;
  std::unique_ptr<Database> database_;
};

TEST_F(GatherVfsTest, ShowsEveryCommitToOtherConnections) {
  auto const reader = Database::Open(path(), Database::Mode::kReadOnly).value();
  std::int64_t rows = 0;

  for (int i = 1; i <= 40; ++i) {
    ASSERT_TRUE(Add(i % 7, 3000));
    rows += i % 7;
    EXPECT_EQ(Count(*reader), rows);
  }
}

TEST_F(GatherVfsTest, ReadsPagesThatDidNotFitIntoItsCache) {
  ASSERT_TRUE(database_->Exec("PRAGMA cache_size=10"));
  ASSERT_TRUE(database_->Begin(Database::Transaction::kWrite));
  for (int i = 1; i <= 300; ++i) {
    ASSERT_TRUE(store::Run(*database_, "INSERT INTO t (body) VALUES (?)", std::string(5000, 'b')));
    if (i % 50 == 0) {
      EXPECT_EQ(Count(*database_), i);
    }
  }

  ASSERT_TRUE(database_->Commit());

  auto const reader = Database::Open(path(), Database::Mode::kReadOnly).value();
  EXPECT_EQ(Count(*reader), 300);
}

TEST_F(GatherVfsTest, ForgetsWhatWasRolledBack) {
  ASSERT_TRUE(database_->Exec("PRAGMA cache_size=10"));
  ASSERT_TRUE(Add(3, 100));
  ASSERT_TRUE(database_->Begin(Database::Transaction::kWrite));
  for (int i = 0; i < 200; ++i)
    ASSERT_TRUE(store::Run(*database_, "INSERT INTO t (body) VALUES (?)", std::string(5000, 'r')));
  ASSERT_TRUE(database_->Exec("ROLLBACK"));

  ASSERT_TRUE(Add(2, 5000));

  auto const reader = Database::Open(path(), Database::Mode::kReadOnly).value();
  EXPECT_EQ(Count(*reader), 5);
  EXPECT_EQ(One(*reader, "PRAGMA integrity_check", [](Statement const& row) { return row.Text(0); })
                .value()
                .value_or(""),
            "ok");
}

TEST_F(GatherVfsTest, HasACommitInTheFileWhenItReturns) {
  ASSERT_TRUE(Add(30, 4000));

  // As after a kill: whatever is only in this process is lost.
  auto const copy = dir_.path() / "copy.db";
  std::filesystem::copy_file(path(), copy);
  std::filesystem::copy_file(path().string() + "-wal", copy.string() + "-wal");
  auto const killed = Database::Open(copy, Database::Mode::kReadWrite).value();
  EXPECT_EQ(Count(*killed), 30);
}

/// No file of this process may grow beyond what the log has now and a little more.
class FullDisk {
 public:
  explicit FullDisk(std::filesystem::path const& log) : old_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    auto limit = before_;
    limit.rlim_cur = std::filesystem::file_size(log) + 10000;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    (void)std::signal(SIGXFSZ, old_);
  }
  FullDisk(FullDisk const&) = delete;
  FullDisk& operator=(FullDisk const&) = delete;

 private:
  rlimit before_{};
  void (*old_)(int);
};

TEST_F(GatherVfsTest, FailsTheCommitOnAFullDiskAndGoesOnWhenThereIsRoom) {
  ASSERT_TRUE(Add(5, 4000));
  {
    FullDisk const full(path().string() + "-wal");
    auto const failed = Add(100, 4000);
    ASSERT_FALSE(failed);
    EXPECT_TRUE(failed.error().code == Code::kIo || failed.error().code == Code::kExhausted);
    (void)database_->Exec("ROLLBACK");  // SQLite may have done it already
  }

  ASSERT_TRUE(Add(1, 4000));

  auto const reader = Database::Open(path(), Database::Mode::kReadOnly).value();
  EXPECT_EQ(Count(*reader), 6);
}

}  // namespace
}  // namespace trellis::store
