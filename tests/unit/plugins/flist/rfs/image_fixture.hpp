// A directory with an image that tests fill row by row, as its maker or as a stranger.
#pragma once

#include "plugins/flist/rfs/fl_writer.hpp"
#include "tests/support/image_tree.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

namespace trellis::plugins::flist {

class ImageFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    auto writer = FlWriter::Create(path());
    ASSERT_TRUE(writer) << writer.error().message;
    writer_ = *std::move(writer);
    ASSERT_EQ(Add({.parent = 0, .name = "/", .mode = S_IFDIR | 0755}), kRootInode);
  }
  [[nodiscard]] std::string path() const { return dir_ / "image.fl"; }

  std::uint64_t Add(Inode const& inode) { return writer_->AddInode(inode).value_or(0); }
  /// Ends writing and opens the image.
  Result<std::unique_ptr<FlFile>> Open() {
    Finish();
    return FlFile::Open(path());
  }
  void Finish() {
    if (writer_) {
      EXPECT_TRUE(writer_->Commit());
    }
    writer_.reset();
  }
  /// Changes the finished image behind the writer's back.
  void Spoil(char const* statements) {
    Finish();
    sqlite3* raw = nullptr;
    ASSERT_EQ(::sqlite3_open(path().c_str(), &raw), SQLITE_OK);
    Database const database(raw);
    auto const done = Execute(raw, statements);
    ASSERT_TRUE(done) << done.error().message;
  }

  testing::TempDir dir_;
  std::unique_ptr<FlWriter> writer_;
};

}  // namespace trellis::plugins::flist
