#include "plugins/flist/tool/list.hpp"

#include "plugins/flist/rfs/pack.hpp"
#include "tests/support/image_tree.hpp"

#include <gmock/gmock.h>

#include <filesystem>

namespace trellis::plugins::flist {
namespace {

using ::testing::ElementsAre;
using testing::TempDir;
using testing::WriteText;

TEST(ListImage, ShowsEachEntryBeforeItsChildren) {
  TempDir const dir;
  WriteText(dir / "root/a/b/file", "abc");
  WriteText(dir / "root/a/c", "");
  std::filesystem::create_symlink("a/c", dir / "root/link");
  ASSERT_TRUE(Pack({dir / "root", dir / "x.fl", {{0, 255, "dir://" + (dir / "store")}}, {}}));
  auto const image = FlFile::Open(dir / "x.fl");
  std::vector<std::string> lines;

  auto const done = ListImage(**image, [&](ListedEntry const& entry) {
    lines.push_back(fmt::format("{} {} {}{}", entry.kind, entry.path,
                                entry.kind == "directory" ? 0 : entry.size, entry.target));
  });

  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(lines, ElementsAre("directory / 0", "directory /a 0", "directory /a/b 0",
                                 "file /a/b/file 3", "file /a/c 0", "link /link 3a/c"));
}

}  // namespace
}  // namespace trellis::plugins::flist
