#include "plugins/flist/sniff.hpp"

#include "plugins/flist/rfs/fl_writer.hpp"
#include "tests/support/image_tree.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace trellis::plugins::flist {
namespace {

using testing::TempDir;
using testing::TestCall;
using testing::WriteTar;
using testing::WriteText;

class SniffTest : public ::testing::Test {
 protected:
  /// Each kind under the same name.
  [[nodiscard]] std::string file() const { return dir_ / "x.flist"; }
  Result<ImageFormat> Look() {
    TestCall call;
    return Sniff(*call, file());
  }
  TempDir dir_;
};

TEST_F(SniffTest, TarOfARoot) {
  WriteTar(file(), {{"etc/hostname", "x"}}, "xz");
  EXPECT_EQ(Look(), ImageFormat::kRootTar);
}

TEST_F(SniffTest, OciAndDockerArchives) {
  WriteTar(file(), {{"oci-layout", "{}"}, {"index.json", "{}"}});
  EXPECT_EQ(Look(), ImageFormat::kOciArchive);

  WriteTar(file(), {{"manifest.json", "[]"}});
  EXPECT_EQ(Look(), ImageFormat::kDockerArchive);
}

TEST_F(SniffTest, RfsImage) {
  auto const writer = FlWriter::Create(file());
  ASSERT_TRUE((*writer)->AddInode({.name = "/", .mode = S_IFDIR | 0755}));
  ASSERT_TRUE((*writer)->Commit());

  EXPECT_EQ(Look(), ImageFormat::kRfs);
}

TEST_F(SniffTest, Squashfs) {
  WriteText(file(), "hsqs and more");
  EXPECT_EQ(Look(), ImageFormat::kSquashfs);
}

TEST_F(SniffTest, FlistOfTheFirstVersionIsNotSupported) {
  WriteTar(file(), {{"flistdb.sqlite3", "x"}}, "gzip");
  EXPECT_EQ(Look().error().code, Code::kUnsupported);
}

TEST_F(SniffTest, EverythingElseIsUnknown) {
  std::string const database("SQLite format 3\0", 16);
  for (auto const& text : {std::string(), std::string("<html><body>404</body></html>"),
                           database + std::string(84, '\0')}) {
    WriteText(file(), text);
    EXPECT_FALSE(Look()) << text;
  }
  WriteText(file(), "");
  EXPECT_EQ(Look().error().message, "unknown flist format");
}

}  // namespace
}  // namespace trellis::plugins::flist
