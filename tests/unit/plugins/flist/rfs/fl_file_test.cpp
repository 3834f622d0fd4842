#include "tests/unit/plugins/flist/rfs/image_fixture.hpp"

#include <gmock/gmock.h>

#include <array>

namespace trellis::plugins::flist {
namespace {

using FlFileTest = ImageFixture;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Inode File(std::string name, std::uint64_t size = 0) {
  return {.parent = kRootInode, .name = std::move(name), .size = size, .mode = S_IFREG | 0644};
}

std::vector<std::string> NamesOf(std::vector<Inode> const& inodes) {
  std::vector<std::string> names;
  names.reserve(inodes.size());
  for (auto const& inode : inodes)
    names.push_back(inode.name);
  return names;
}

TEST_F(FlFileTest, FindsWhatWasWritten) {
  Inode const written{.parent = kRootInode,
                      .name = "tty",
                      .size = 7,
                      .uid = 1,
                      .gid = 2,
                      .mode = S_IFCHR | 0620,
                      .rdev = 0x0501,
                      .ctime = -5,
                      .mtime = 1700000000};
  auto const ino = Add(written);
  auto const image = Open();
  ASSERT_TRUE(image) << image.error().message;

  auto const found = (*image)->Lookup(kRootInode, "tty");

  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->ino, ino);
  EXPECT_EQ(found->size, 7U);
  EXPECT_EQ(found->uid, 1U);
  EXPECT_EQ(found->gid, 2U);
  EXPECT_EQ(found->mode, written.mode);
  EXPECT_EQ(found->rdev, 0x0501U);
  EXPECT_EQ(found->ctime, -5);
  EXPECT_EQ(found->mtime, 1700000000);
}

TEST_F(FlFileTest, ListsManyChildrenOnceInOrder) {
  constexpr std::size_t kMany = 5000;
  std::vector<std::string> names{"new\nline", std::string(kMaxName, 'n'), "äöü"};
  for (std::size_t i = 0; i < kMany; ++i)
    names.push_back(fmt::format("f{}", i));
  for (auto const& name : names)
    ASSERT_NE(Add(File(name)), 0U);
  auto const image = Open();
  ASSERT_TRUE(image);

  std::vector<std::string> seen;
  std::uint64_t after = 0;
  while (true) {
    auto const batch = (*image)->Children(kRootInode, after, 100);
    ASSERT_TRUE(batch);
    if (batch->empty()) break;
    after = batch->back().ino;
    for (auto const& child : *batch)
      seen.push_back(child.name);
  }

  EXPECT_EQ(seen, names);
}

TEST_F(FlFileTest, FindsOneOfManyFilesOfTheSameName) {
  constexpr int kMany = 200;
  std::uint64_t last = 0;
  for (int i = 0; i < kMany; ++i) {
    auto const dir =
        Add({.parent = kRootInode, .name = fmt::format("d{}", i), .mode = S_IFDIR | 0755});
    last = dir;
    ASSERT_NE(Add({.parent = dir, .name = "same", .mode = S_IFREG | 0644}), 0U);
  }
  auto const image = Open();

  EXPECT_EQ((*image)->Lookup(last, "same")->parent, last);
  EXPECT_EQ((*image)->Lookup(kRootInode, "same").error().code, Code::kNotFound);
}

TEST_F(FlFileTest, BlocksComeInTheOrderTheyWereWritten) {
  auto const ino = Add(File("big", 2 * kBlockBytes + 1));
  for (auto const byte : std::array<unsigned char, 3>{9, 3, 9})
    ASSERT_TRUE(writer_->AddBlock(ino, {Digest{byte}, Digest{byte}}));
  auto const image = Open();

  auto const blocks = (*image)->Blocks(*(*image)->Find(ino));

  ASSERT_TRUE(blocks) << blocks.error().message;
  EXPECT_THAT(*blocks, ElementsAre(BlockRef{Digest{9}, Digest{9}}, BlockRef{Digest{3}, Digest{3}},
                                   BlockRef{Digest{9}, Digest{9}}));
}

TEST_F(FlFileTest, RoutesAndTagsAreRead) {
  ASSERT_TRUE(writer_->AddRoute({0, 127, "dir:///a"}));
  ASSERT_TRUE(writer_->AddTag("author", "me"));
  auto const image = Open();

  auto const routes = (*image)->Routes();

  ASSERT_TRUE(routes);
  ASSERT_EQ(routes->size(), 1U);
  EXPECT_EQ(routes->front().last, 127);
  EXPECT_EQ(routes->front().url, "dir:///a");
  EXPECT_EQ((*image)->Tags()->at("author"), "me");
}

TEST_F(FlFileTest, NameWithSyntaxOfUrisIsOnlyAName) {
  Finish();
  auto const strange = dir_ / "a?mode=rwc&x#%20 b.fl";
  testing::WriteText(strange, testing::ReadText(path()));

  EXPECT_TRUE(FlFile::Open(strange));
}

TEST_F(FlFileTest, MissingTablesAreNoImage) {
  Spoil("DROP TABLE route");

  auto const image = FlFile::Open(path());

  EXPECT_EQ(image.error().message, "unknown flist format");
}

TEST_F(FlFileTest, ViewInPlaceOfATableIsNoImage) {
  Spoil(
      "DROP TABLE route; CREATE VIEW route AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT "
      "n FROM r) SELECT n AS start, n AS [end], '' AS url FROM r");

  EXPECT_EQ(FlFile::Open(path()).error().message, "unknown flist format");
}

TEST_F(FlFileTest, NoRootOrOneThatIsAFileIsNoImage) {
  Spoil("UPDATE inode SET mode=33188 WHERE ino=1");
  EXPECT_EQ(FlFile::Open(path()).error().code, Code::kDecode);

  Spoil("DELETE FROM inode");
  EXPECT_EQ(FlFile::Open(path()).error().code, Code::kNotFound);
}

TEST_F(FlFileTest, CutOffFileIsAnError) {
  for (int i = 0; i < 1000; ++i)
    Add(File(fmt::format("f{}", i)));
  Finish();
  auto const text = testing::ReadText(path());
  testing::WriteText(path(), text.substr(0, text.size() / 2));

  auto const image = FlFile::Open(path());

  bool const listed = image && (*image)->Children(kRootInode, 0, 2000).has_value();
  EXPECT_FALSE(listed);
}

TEST_F(FlFileTest, LoopsAreNotReachable) {
  auto const a = Add({.parent = kRootInode, .name = "a", .mode = S_IFDIR | 0755});
  auto const b = Add({.parent = a, .name = "b", .mode = S_IFDIR | 0755});
  Spoil(
      fmt::format("UPDATE inode SET parent={} WHERE ino={}; UPDATE inode SET parent={} WHERE ino=1",
                  b, a, b)
          .c_str());
  auto const image = FlFile::Open(path());
  ASSERT_TRUE(image);

  EXPECT_TRUE((*image)->Children(kRootInode, 0, 100)->empty());
  EXPECT_EQ(NamesOf(*(*image)->Children(b, 0, 100)), (std::vector<std::string>{"a"}));
  EXPECT_EQ((*image)->Lookup(b, "/").error().code, Code::kNotFound);
}

TEST_F(FlFileTest, NamesThatNoFileCanHaveAreLeftOut) {
  Add(File("good"));
  Spoil(
      "INSERT INTO inode (parent, name, size, uid, gid, mode, rdev, ctime, mtime) "
      "SELECT 1, bad, 0, 0, 0, 33188, 0, 0, 0 FROM (SELECT '..' AS bad UNION SELECT '.' UNION "
      "SELECT '' UNION SELECT 'a/b' UNION SELECT CAST(x'6100' AS TEXT) UNION "
      "SELECT hex(zeroblob(150)))");
  auto const image = FlFile::Open(path());
  ASSERT_TRUE(image);

  auto const children = (*image)->Children(kRootInode, 0, 100);

  ASSERT_TRUE(children) << children.error().message;
  EXPECT_THAT(NamesOf(*children), ElementsAre("good"));
  EXPECT_EQ((*image)->Lookup(kRootInode, "..").error().code, Code::kNotFound);
}

struct BadRow {
  char const* change;
  char const* what;
};

class FlFileWithBadRow : public ImageFixture, public ::testing::WithParamInterface<BadRow> {};

TEST_P(FlFileWithBadRow, SaysWhatIsWrong) {
  Add(File("x", 1));
  Spoil(fmt::format("UPDATE inode SET {} WHERE ino=2", GetParam().change).c_str());
  auto const image = FlFile::Open(path());
  ASSERT_TRUE(image);

  auto const found = (*image)->Find(2);

  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::kDecode);
  EXPECT_THAT(found.error().message, HasSubstr(GetParam().what));
  EXPECT_EQ((*image)->Children(kRootInode, 0, 10).error().code, Code::kDecode);
}

INSTANTIATE_TEST_SUITE_P(
    Columns, FlFileWithBadRow,
    ::testing::Values(BadRow{"size=-1", "the size"}, BadRow{"size='many'", "the size"},
                      BadRow{"size=1.5", "the size"}, BadRow{"mode=0", "the kind"},
                      BadRow{"uid=4294967295", "the owner"}, BadRow{"gid=-7", "the group"},
                      BadRow{"mode=4294967296", "the kind"}, BadRow{"rdev=-1", "the device"},
                      BadRow{"mtime=9223372036854775807", "the time"},
                      BadRow{"name=NULL", "the name"}));

TEST_F(FlFileTest, SizeThatItsBlocksDoNotHaveIsAnError) {
  auto const ino = Add(File("x", 1));
  ASSERT_TRUE(writer_->AddBlock(ino, {}));
  Spoil("UPDATE inode SET size=524289 WHERE ino=2");
  auto const image = FlFile::Open(path());

  auto const blocks = (*image)->Blocks(*(*image)->Find(ino));

  ASSERT_FALSE(blocks);
  EXPECT_THAT(blocks.error().message, HasSubstr("the number of blocks of inode 2"));
}

TEST_F(FlFileTest, HugeFileIsRefused) {
  auto const ino = Add(File("x", kMaxFileBytes + 1));
  auto const image = Open();

  EXPECT_EQ((*image)->Blocks(*(*image)->Find(ino)).error().code, Code::kExhausted);
}

TEST_F(FlFileTest, IdAndKeyNeed32Bytes) {
  auto const ino = Add(File("x", 1));
  ASSERT_TRUE(writer_->AddBlock(ino, {}));
  Spoil("UPDATE block SET key=x'00'");
  auto const image = FlFile::Open(path());

  EXPECT_THAT((*image)->Blocks(*(*image)->Find(ino)).error().message,
              HasSubstr("a block of inode"));
}

TEST_F(FlFileTest, BadTargetsAndRoutesAreErrors) {
  auto const ino = Add({.parent = kRootInode, .name = "l", .mode = S_IFLNK | 0777});
  Spoil(
      "INSERT INTO extra VALUES (2, hex(zeroblob(2500))); INSERT INTO route VALUES "
      "(0, 256, 'dir:///a')");
  auto const image = FlFile::Open(path());
  ASSERT_TRUE(image);

  EXPECT_THAT((*image)->Target(ino).error().message, HasSubstr("the target of inode 2"));
  EXPECT_THAT((*image)->Routes().error().message, HasSubstr("route 1"));
}

}  // namespace
}  // namespace trellis::plugins::flist
