#include "plugins/flist/source.hpp"

#include "tests/support/image_tree.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace trellis::plugins::flist {
namespace {

using namespace trellis::testing;

class Source : public ::testing::Test {
 protected:
  Source() {
    WriteText(dir_ / "roots/a.tar", "x");
    WriteText(dir_ / "mapped/deep/b.tar", "x");
    WriteText(dir_ / "secret", "x");
    std::filesystem::create_symlink(dir_ / "secret", dir_ / "roots/link");
    std::filesystem::create_symlink(dir_ / "secret", dir_ / "mapped/link");
    config_.file_roots = {dir_ / "roots"};
    config_.flist_map = {{"https://hub.example/", dir_ / "roots"},
                         {"https://hub.example/deep", dir_ / "mapped/deep"}};
  }
  Result<std::string> Locate(std::string const& url) { return sources_.Locate(*call_, url); }

  TempDir dir_;
  FlistConfig config_;
  Downloads downloads_{dir_ / "downloads", 1000};
  Sources sources_{config_, downloads_};
  TestCall call_;
};

TEST_F(Source, FindsPathsAndFileUrlsBelowARoot) {
  EXPECT_EQ(*Locate(dir_ / "roots/a.tar"), dir_ / "roots/a.tar");
  EXPECT_EQ(*Locate("file://" + (dir_ / "roots/a.tar")), dir_ / "roots/a.tar");
}

TEST_F(Source, TellsAMissingFile) {
  auto const url = "file://" + (dir_ / "roots/none.tar");
  auto const found = Locate(url);

  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::kNotFound);
  EXPECT_EQ(found.error().message, "'" + url + "' does not exist");
}

TEST_F(Source, RefusesPathsOutsideTheRoots) {
  EXPECT_EQ(Locate(dir_ / "secret").error().code, Code::kDenied);
  EXPECT_EQ(Locate(dir_ / "roots/../secret").error().code, Code::kDenied);
  EXPECT_EQ(Locate(dir_ / "roots/link").error().code, Code::kDenied);
  EXPECT_EQ(Locate("/etc/none").error().code, Code::kDenied);
}

TEST_F(Source, LongestMappedPrefixCounts) {
  EXPECT_EQ(*Locate("https://hub.example/a.tar"), dir_ / "roots/a.tar");
  EXPECT_EQ(*Locate("https://hub.example/deep/b.tar"), dir_ / "mapped/deep/b.tar");
}

TEST_F(Source, MappedUrlsDoNotLeadOut) {
  EXPECT_EQ(Locate("https://hub.example/deep/../../secret").error().code, Code::kDenied);
  EXPECT_EQ(Locate("https://hub.example/link").error().code, Code::kDenied);
  EXPECT_EQ(Locate("https://hub.example/none").error().code, Code::kNotFound);
}

TEST_F(Source, RefusesOtherSchemes) {
  EXPECT_EQ(Locate("ftp://x/y").error().code, Code::kInvalid);
  EXPECT_EQ(Locate("zdb://x/y").error().code, Code::kInvalid);
  EXPECT_EQ(Locate("").error().code, Code::kInvalid);
  EXPECT_EQ(Locate(std::string(3000, 'x')).error().code, Code::kInvalid);
}

}  // namespace
}  // namespace trellis::plugins::flist
