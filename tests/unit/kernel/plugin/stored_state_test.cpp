#include "kernel/plugin/stored_state.hpp"

#include "kernel/sys/files.hpp"
#include "tests/support/memory_kernel.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>

namespace trellis::plugin {
namespace {

namespace fs = std::filesystem;

class PluginStoredState : public ::testing::Test {
 protected:
  PluginStoredState() {
    EXPECT_TRUE(state_.Settle());
    Write("a", "1");
    fs::create_directory(folder() / "sub");
    Write("sub/b", std::string("\0\xff", 2));
    fs::permissions(folder() / "sub/b", fs::perms::owner_read);
    fs::create_symlink("a", folder() / "link");
    EXPECT_TRUE(kernel_.KvPut("morph", "key\xff", std::string("\0v", 2)));
  }
  [[nodiscard]] fs::path folder() const { return dir_ / "morph"; }
  void Write(std::string const& name, std::string_view text) const {
    ASSERT_TRUE(sys::WriteFileAtomic(folder() / name, text));
  }
  /// What a migration may do, and worse.
  void Change() {
    Write("a", "2");
    fs::remove(folder() / "sub/b");
    fs::create_directories(folder() / "sub/b/deep");
    Write("sub/b/deep/c", "new");
    fs::remove(folder() / "link");
    Write("link", "a file");
    EXPECT_TRUE(kernel_.KvPut("morph", "key\xff", "other"));
    EXPECT_TRUE(kernel_.KvPut("morph", "more", "x"));
  }
  /// Every path with mode, kind and content, and every key.
  [[nodiscard]] std::map<std::string, std::string> All() {
    std::map<std::string, std::string> all;
    for (auto const& entry : fs::recursive_directory_iterator(folder())) {
      struct stat facts {};
      EXPECT_EQ(::lstat(entry.path().c_str(), &facts), 0);
      auto text = std::to_string(facts.st_mode);
      if (entry.is_symlink()) text += " " + fs::read_symlink(entry.path()).string();
      if (entry.is_regular_file() && facts.st_size < 100)
        text += " " + sys::ReadFile(entry.path()).value();
      all[entry.path().string()] = text;
    }
    auto const keys = kernel_.KvList("morph", "").value();
    for (auto const& key : keys)
      all["key " + key] = kernel_.KvGet("morph", key).value();
    return all;
  }

  testing::TempDir dir_;
  KernelOfTests kernel_;
  StoredState state_{dir_ / "", "morph", kernel_};
};

TEST_F(PluginStoredState, ComesBackByteForByte) {
  auto const before = All();
  ASSERT_TRUE(state_.Keep());
  Change();

  ASSERT_TRUE(state_.BringBack());

  EXPECT_EQ(All(), before);
  EXPECT_FALSE(state_.IsKept());
}

TEST_F(PluginStoredState, ComesBackAtTheNextStartWhenNobodyDecided) {
  auto const before = All();
  ASSERT_TRUE(state_.Keep());
  Change();

  EXPECT_EQ(state_.Settle().value(), true);

  EXPECT_EQ(All(), before);
}

TEST_F(PluginStoredState, StaysNewOnceThatWasDecided) {
  ASSERT_TRUE(state_.Keep());
  Change();
  auto const changed = All();
  ASSERT_TRUE(state_.Decide());

  EXPECT_EQ(state_.Settle().value(), false);

  EXPECT_EQ(All(), changed);
  EXPECT_FALSE(state_.IsKept());
}

TEST_F(PluginStoredState, LeavesLargeFilesAlone) {
  Write("disk", "");
  fs::resize_file(folder() / "disk", kMaxKeptFile + 1);
  ASSERT_TRUE(state_.Keep());
  fs::resize_file(folder() / "disk", kMaxKeptFile + 2);

  ASSERT_TRUE(state_.BringBack());

  EXPECT_EQ(fs::file_size(folder() / "disk"), kMaxKeptFile + 2);
}

TEST_F(PluginStoredState, HasTheVersionThatWasSet) {
  EXPECT_EQ(state_.Version().value(), 1U) << "written before versions were";
  ASSERT_TRUE(state_.SetVersion(3));
  EXPECT_EQ(state_.Version().value(), 3U);
  Write(".version", "three\n");
  EXPECT_FALSE(state_.Version());
  EXPECT_EQ(StoredState(dir_ / "", "another", kernel_).Version().value(), 0U);
}

}  // namespace
}  // namespace trellis::plugin
