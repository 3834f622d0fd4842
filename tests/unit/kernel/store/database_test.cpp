#include "kernel/store/database.hpp"

#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace trellis::store {
namespace {

class DatabaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Database::Open(dir_ / "a.db", Database::Mode::kReadWrite);
    ASSERT_TRUE(opened) << opened.error().message;
    db_ = *std::move(opened);
    ASSERT_TRUE(db_->Exec("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT UNIQUE)"));
  }

  testing::TempDir dir_;
  std::unique_ptr<Database> db_;
};

TEST_F(DatabaseTest, ReadsBackWhatWasBound) {
  auto insert = db_->Cached("INSERT INTO t VALUES (?1, ?2)");
  ASSERT_TRUE(insert);
  ASSERT_TRUE((*insert)->BindAll(std::uint32_t{7}, std::string("a\0b", 3)).Run());
  auto select = db_->Cached("SELECT id, v, NULL FROM t");
  ASSERT_TRUE(select);

  EXPECT_TRUE((*select)->Step().value());

  EXPECT_EQ((*select)->Int(0), 7);
  EXPECT_EQ((*select)->Text(1), std::string("a\0b", 3));
  EXPECT_TRUE((*select)->IsNull(2));
  EXPECT_FALSE((*select)->Step().value());
}

TEST_F(DatabaseTest, BindsAnEmptyOptionalAsNull) {
  auto insert = db_->Prepare("INSERT INTO t VALUES (1, ?1)");
  ASSERT_TRUE(insert);
  ASSERT_TRUE(insert->BindAll(std::optional<std::string>()).Run());
  auto select = db_->Prepare("SELECT v FROM t");

  ASSERT_TRUE(select->Step().value());

  EXPECT_TRUE(select->IsNull(0));
}

TEST_F(DatabaseTest, CallsABrokenConstraintAConflict) {
  ASSERT_TRUE(db_->Exec("INSERT INTO t VALUES (1, 'x')"));
  auto insert = db_->Prepare("INSERT INTO t VALUES (2, 'x')");

  auto const done = insert->Run();

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kConflict);
}

TEST_F(DatabaseTest, RefusesIntegersAboveTheSignedRange) {
  auto insert = db_->Prepare("INSERT INTO t VALUES (?1, 'x')");

  auto const done = insert->BindAll(std::numeric_limits<std::uint64_t>::max()).Run();

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kInvalid);
}

TEST_F(DatabaseTest, CreatesTheFileForItsOwnerOnly) {
  auto const mode = std::filesystem::status(dir_ / "a.db").permissions();

  EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(DatabaseTest, ReaderSeesCommittedRowsAndCannotWrite) {
  ASSERT_TRUE(db_->Exec("INSERT INTO t VALUES (1, 'x')"));
  auto reader = Database::Open(dir_ / "a.db", Database::Mode::kReadOnly);
  ASSERT_TRUE(reader);

  auto select = (*reader)->Prepare("SELECT count(*) FROM t");

  EXPECT_TRUE(select->Step().value());
  EXPECT_EQ(select->Int(0), 1);
  EXPECT_FALSE((*reader)->Exec("DELETE FROM t"));
}

TEST(Database, NamesTheFileItCannotOpen) {
  auto const opened = Database::Open("/nonexistent/x.db", Database::Mode::kReadWrite);

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kIo);
  EXPECT_NE(opened.error().message.find("/nonexistent/x.db"), std::string::npos);
}

}  // namespace
}  // namespace trellis::store
