// The log of a database that is written to without a pause is brought into the file.
#include "kernel/store/checkpoints.hpp"

#include "kernel/store/writer.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <vector>

namespace trellis::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPage = 4096;
constexpr std::size_t kPagesOfWork = 64;
constexpr std::size_t kMostPages = 16'000;  // of the log, and what one transaction adds

class CheckpointsTest : public ::testing::Test {
 protected:
  CheckpointsTest() {
    auto opened = Database::Open(file_, Database::Mode::kReadWrite).value();
    EXPECT_TRUE(opened->Exec("CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)"));
    writer_ = Writer::Start(std::move(opened), "store");
  }

  /// Each is some pages of the log, and one in all of the file.
  Writer::Work Put(std::int64_t id) {
    return [this, id](Database& db) -> Result<void> {
      TRELLIS_TRY(auto* put, db.Cached("INSERT OR REPLACE INTO t VALUES (?, ?)"));
      return put->BindAll(id % kRows, body_).Run();
    };
  }
  void PutMany(std::size_t count, std::size_t together) {
    std::vector<std::future<Result<void>>> waiting;
    for (std::size_t i = 0; i < count; ++i) {
      waiting.push_back(writer_->Submit(Put(next_++)));
      if (waiting.size() < together) continue;
      for (auto& each : waiting)
        ASSERT_TRUE(each.get());
      waiting.clear();
    }
  }
  [[nodiscard]] std::size_t LogPages() const { return fs::file_size(log_) / kPage; }

  static constexpr std::int64_t kRows = 10;
  testing::TempDir dir_;
  fs::path file_ = dir_ / "c.db";
  fs::path log_ = dir_ / "c.db-wal";
  std::vector<std::uint8_t> body_ = std::vector<std::uint8_t>(kPagesOfWork * kPage, 'x');
  std::int64_t next_ = 0;
  std::unique_ptr<Writer> writer_;
};

TEST_F(CheckpointsTest, KeepTheLogShortWhileManyWrite) {
  PutMany(1200, 6);

  EXPECT_LT(LogPages(), kMostPages + 6 * kPagesOfWork * 2);
  EXPECT_GT(fs::file_size(file_), kRows * body_.size());
}

TEST_F(CheckpointsTest, KeepTheLogShortWhileOneWrites) {
  PutMany(300, 1);

  EXPECT_LT(LogPages(), 4000 + kPagesOfWork * 2);
}

TEST_F(CheckpointsTest, LoseNothing) {
  PutMany(600, 6);
  writer_.reset();

  auto const db = Database::Open(file_, Database::Mode::kReadOnly).value();
  EXPECT_TRUE(db->CheckStructure());
  auto count = db->Prepare("SELECT COUNT(*), SUM(length(body)) FROM t");
  ASSERT_TRUE(count->Step().value());
  EXPECT_EQ(count->Int(0), kRows);
  EXPECT_EQ(count->Int(1), static_cast<std::int64_t>(kRows * body_.size()));
}

TEST_F(CheckpointsTest, LeaveASnapshotAlone) {
  PutMany(6, 6);
  auto const reader = Database::Open(file_, Database::Mode::kReadOnly).value();
  ASSERT_TRUE(reader->Begin(Database::Transaction::kRead));
  auto first = reader->Prepare("SELECT COUNT(*) FROM t");
  ASSERT_TRUE(first->Step().value());
  EXPECT_EQ(first->Int(0), 6);
  first->Reset();

  PutMany(300, 6);

  ASSERT_TRUE(first->Step().value());
  EXPECT_EQ(first->Int(0), 6);
  first->Reset();
  ASSERT_TRUE(reader->Commit());
  ASSERT_TRUE(first->Step().value());
  EXPECT_EQ(first->Int(0), kRows);
}

TEST_F(CheckpointsTest, ReadTheFileAsItIsOnDisk) {
  writer_.reset();
  auto const db = Database::Open(file_, Database::Mode::kReadOnly).value();
  std::vector<char> chunk(100'000);

  auto const got = db->ReadFile(chunk, 0).value();

  EXPECT_EQ(got, fs::file_size(file_));
  EXPECT_EQ(std::string_view(chunk.data(), 15), "SQLite format 3");
  EXPECT_EQ(db->ReadFile(chunk, static_cast<std::int64_t>(got)).value(), 0U);
}

}  // namespace
}  // namespace trellis::store
