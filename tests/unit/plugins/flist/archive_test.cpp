#include "plugins/flist/archive.hpp"

#include "plugins/flist/sniff.hpp"
#include "tests/support/image_tree.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace trellis::plugins::flist {
namespace {

using namespace trellis::testing;

class Archive : public ::testing::Test {
 protected:
  Archive() { std::filesystem::create_directory(root_); }
  Result<void> Apply(std::vector<TarEntry> const& entries) {
    WriteTar(dir_ / "layer.tar", entries);
    return ApplyLayer(*call_, dir_ / "layer.tar", root_, budget_);
  }
  Result<ImageFormat> SniffTar(std::vector<TarEntry> const& entries,
                               std::string const& compression = "") {
    WriteTar(dir_ / "x.flist", entries, compression);
    return Sniff(*call_, dir_ / "x.flist");
  }
  [[nodiscard]] std::string In(std::string const& name) const { return root_ + "/" + name; }

  TempDir dir_;
  std::string root_ = dir_ / "root";
  std::uint64_t budget_ = 1 << 20;
  TestCall call_;
};

TEST(CleanPath, DropsLeadingSlashesAndDots) {
  EXPECT_EQ(*CleanPath("./usr//bin/x"), "usr/bin/x");
  EXPECT_EQ(*CleanPath("/etc/"), "etc");
  EXPECT_EQ(*CleanPath("./"), "");
}

TEST(CleanPath, RefusesParents) {
  auto const refused = CleanPath("usr/../../evil");

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalid);
  EXPECT_EQ(refused.error().message, "unsafe path 'usr/../../evil' in image");
}

TEST_F(Archive, UnpacksFilesModesAndLinks) {
  ASSERT_TRUE(Apply({{"bin", "", 'd', 0755},
                     {"bin/su", "x", 'f', 04755},
                     {"bin/su2", "bin/su", 'h'},
                     {"sh", "/bin/su", 'l'}}));

  EXPECT_EQ(ReadText(In("bin/su")), "x");
  EXPECT_EQ(std::filesystem::hard_link_count(In("bin/su")), 2U);
  EXPECT_EQ(std::filesystem::read_symlink(In("sh")), "/bin/su");
  struct stat info {};
  ASSERT_EQ(::stat(In("bin/su").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 04755U);
}

TEST_F(Archive, WhiteoutRemovesOneNameOfTheLayersBelow) {
  ASSERT_TRUE(Apply({{"a/x", "1"}, {"a/y", "2"}}));

  ASSERT_TRUE(Apply({{"a/.wh.x", ""}}));

  EXPECT_FALSE(Exists(In("a/x")));
  EXPECT_FALSE(Exists(In("a/.wh.x")));
  EXPECT_TRUE(Exists(In("a/y")));
}

TEST_F(Archive, OpaqueDirectoryKeepsWhatItsOwnLayerBrings) {
  ASSERT_TRUE(Apply({{"a/old", "1"}}));

  ASSERT_TRUE(Apply({{"a/new", "2"}, {"a/.wh..wh..opq", ""}}));

  EXPECT_FALSE(Exists(In("a/old")));
  EXPECT_EQ(ReadText(In("a/new")), "2");
}

TEST_F(Archive, LaterLayerReplacesDirectoriesAndLinks) {
  ASSERT_TRUE(Apply({{"a/x", "1"}, {"b", "target", 'l'}}));

  ASSERT_TRUE(Apply({{"a", "file"}, {"b", "", 'd', 0755}, {"b/c", "2"}}));

  EXPECT_EQ(ReadText(In("a")), "file");
  EXPECT_EQ(ReadText(In("b/c")), "2");
}

TEST_F(Archive, RefusesAPathThatLeadsOut) {
  auto const done = Apply({{"../evil", "x"}});

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "unsafe path '../evil' in image");
  EXPECT_FALSE(Exists(dir_ / "evil"));
}

TEST_F(Archive, WritesThroughALinkStayInside) {
  std::filesystem::create_directory(dir_ / "outside");

  EXPECT_FALSE(Apply({{"link", dir_ / "outside", 'l'}, {"link/file", "x"}}));

  EXPECT_FALSE(Exists(dir_ / "outside/file"));
}

TEST_F(Archive, AbsoluteDirectoryLinkLeadsInsideTheImage) {
  ASSERT_TRUE(Apply({{"usr/bin", "", 'd', 0755}, {"bin", "/usr/bin", 'l'}, {"bin/tool", "x"}}));

  EXPECT_EQ(ReadText(In("usr/bin/tool")), "x");
}

TEST_F(Archive, HardLinkToAFileOutsideIsRefused) {
  WriteText(dir_ / "secret", "s");

  EXPECT_FALSE(Apply({{"link", "../secret", 'h'}}));

  EXPECT_FALSE(Exists(In("link")));
}

TEST_F(Archive, StopsAtTheSizeLimit) {
  budget_ = 100;

  auto const done = Apply({{"big", std::string(101, 'x')}});

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kExhausted);
}

TEST_F(Archive, SniffTellsTarsApart) {
  EXPECT_EQ(*SniffTar({{"etc/passwd", "x"}}), ImageFormat::kRootTar);
  EXPECT_EQ(*SniffTar({{"etc/passwd", "x"}}, "gzip"), ImageFormat::kRootTar);
  EXPECT_EQ(*SniffTar({{"etc/passwd", "x"}}, "zstd"), ImageFormat::kRootTar);
  EXPECT_EQ(*SniffTar({{"etc/passwd", "x"}}, "xz"), ImageFormat::kRootTar);
  EXPECT_EQ(*SniffTar({{"oci-layout", "{}"}, {"index.json", "{}"}}), ImageFormat::kOciArchive);
  EXPECT_EQ(*SniffTar({{"manifest.json", "[]"}}, "gzip"), ImageFormat::kDockerArchive);
}

TEST_F(Archive, SniffTellsDirectoriesApart) {
  EXPECT_EQ(*Sniff(*call_, root_), ImageFormat::kDirectory);
  WriteText(In("oci-layout"), "{}");
  EXPECT_EQ(*Sniff(*call_, root_), ImageFormat::kOciDirectory);
}

TEST_F(Archive, SniffRefusesWhatItDoesNotKnow) {
  for (std::string const& text :
       {std::string(), std::string("<html>not found</html>"), std::string(20000, 'x')}) {
    WriteText(dir_ / "x.flist", text);
    auto const sniffed = Sniff(*call_, dir_ / "x.flist");
    ASSERT_FALSE(sniffed) << text.substr(0, 10);
    EXPECT_EQ(sniffed.error().message, "unknown flist format");
  }
}

TEST_F(Archive, SniffNamesFormatsThatCannotBeMounted) {
  EXPECT_EQ(SniffTar({{"flistdb.sqlite3", "x"}}).error().code, Code::kUnsupported);
}

}  // namespace
}  // namespace trellis::plugins::flist
