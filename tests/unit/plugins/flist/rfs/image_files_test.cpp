// What was packed is what is read, through stores and cache.
#include "plugins/flist/rfs/image_files.hpp"

#include "plugins/flist/rfs/pack.hpp"
#include "tests/support/image_tree.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

namespace trellis::plugins::flist {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::TempDir;
using testing::WriteText;

std::string Content(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 7;
  for (char& c : text)
    c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return text;
}

class PackedImage : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root()); }
  [[nodiscard]] std::string root() const { return dir_ / "root"; }
  [[nodiscard]] std::string store() const { return dir_ / "store"; }

  Result<PackSummary> PackRoot(std::string const& url = "") {
    return Pack(
        {root(), dir_ / "image.fl", {{0, 255, url.empty() ? "dir://" + store() : url}}, {}});
  }
  void Open() {
    auto files = ImageFiles::Open(dir_ / "image.fl", dir_ / "cache", StoreRules{{dir_.path()}});
    ASSERT_TRUE(files) << files.error().message;
    files_ = *std::move(files);
  }
  std::shared_ptr<OpenImageFile const> OpenFile(std::string const& name) {
    auto const inode = files_->rows().Lookup(kRootInode, name);
    auto file = files_->OpenFile(inode.value_or(Inode{}).ino);
    EXPECT_TRUE(file) << file.error().message;
    return file.value_or(nullptr);
  }
  Result<std::string> Read(OpenImageFile const& file, std::uint64_t offset, std::size_t size) {
    TRELLIS_TRY(auto const pieces, files_->Read(file, offset, size));
    std::string out;
    for (auto const& piece : pieces) {
      std::string part(piece.size, '\0');
      if (::pread(piece.fd.get(), part.data(), part.size(), static_cast<off_t>(piece.offset)) !=
          static_cast<ssize_t>(part.size()))
        return Fail(Code::kIo, "short");
      out += part;
    }
    return out;
  }

  TempDir dir_;
  std::unique_ptr<ImageFiles> files_;
};

TEST_F(PackedImage, FilesAroundTheSizeOfABlockComeBack) {
  std::vector<std::size_t> const sizes{0, 1, 524287, 524288, 524289, 1572864};
  for (auto const size : sizes)
    WriteText(root() + "/" + std::to_string(size), Content(size));
  ASSERT_TRUE(PackRoot());
  Open();

  for (auto const size : sizes) {
    auto const file = OpenFile(std::to_string(size));
    EXPECT_EQ(Read(*file, 0, size + 100).value_or("x"), Content(size)) << size;
    EXPECT_EQ(Read(*file, size, 4).value_or("x"), "");
    EXPECT_EQ(Read(*file, size + kBlockBytes, 4).value_or("x"), "");
  }
  EXPECT_EQ(Read(*OpenFile("524289"), 524286, 4).value_or(""), Content(524289).substr(524286));
  EXPECT_EQ(Read(*OpenFile("1572864"), 524286, 4).value_or(""), Content(1572864).substr(524286, 4));
}

TEST_F(PackedImage, EqualContentIsStoredOnce) {
  WriteText(root() + "/a", Content(1000));
  WriteText(root() + "/b", Content(1000));

  auto const summary = PackRoot();

  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->files, 2U);
  EXPECT_EQ(summary->entries, 3U);
  EXPECT_EQ(summary->bytes, 2000U);
  EXPECT_EQ(summary->blocks, 1U);
}

TEST_F(PackedImage, ParentsComeBeforeTheirChildren) {
  WriteText(root() + "/a/b/c", "x");
  WriteText(root() + "/d", "x");
  ASSERT_TRUE(PackRoot());
  Open();

  auto const a = files_->rows().Lookup(kRootInode, "a");
  auto const b = files_->rows().Lookup(a->ino, "b");
  auto const c = files_->rows().Lookup(b->ino, "c");
  auto const d = files_->rows().Lookup(kRootInode, "d");

  EXPECT_LT(a->ino, b->ino);
  EXPECT_LT(b->ino, c->ino);
  EXPECT_LT(c->ino, d->ino);
}

TEST_F(PackedImage, LinksAreKeptAndNotFollowed) {
  fs::create_symlink("/etc/passwd", root() + "/out");
  fs::create_directory_symlink("/etc", root() + "/dir");
  ASSERT_TRUE(PackRoot());
  Open();

  auto const out = files_->rows().Lookup(kRootInode, "out");
  ASSERT_TRUE(out);

  EXPECT_TRUE(S_ISLNK(out->mode));
  EXPECT_EQ(files_->rows().Target(out->ino).value_or(""), "/etc/passwd");
  EXPECT_EQ(files_->OpenFile(out->ino).error().code, Code::kInvalid);
}

TEST_F(PackedImage, HasNoPasswordOfItsStores) {
  ASSERT_TRUE(PackRoot("dir://user:secret@" + store()));
  Open();

  auto const routes = files_->rows().Routes();

  ASSERT_TRUE(routes);
  EXPECT_EQ(routes->front().url, "dir://" + store());
}

TEST_F(PackedImage, NamesWhereNodesGetTheBlocksInsteadOfWhereTheyWent) {
  std::vector<Route> const stores{{0, 255, "dir://" + store()}};
  ASSERT_TRUE(
      Pack({root(), dir_ / "image.fl", stores, {}, {{0, 255, "http://user:secret@hub/blocks"}}}));
  Open();

  auto const routes = files_->rows().Routes();

  ASSERT_TRUE(routes);
  ASSERT_EQ(routes->size(), 1U);
  EXPECT_EQ(routes->front().url, "http://hub/blocks");
  EXPECT_EQ(Pack({root(), dir_ / "other.fl", stores, {}, {{0, 255, "ftp://hub"}}}).error().code,
            Code::kUnsupported);
}

TEST_F(PackedImage, StoreThatVanishesFailsReadsUntilItIsBack) {
  WriteText(root() + "/big", Content(3 * kBlockBytes));
  ASSERT_TRUE(PackRoot());
  Open();
  auto const file = OpenFile("big");
  ASSERT_TRUE(Read(*file, 0, 10));
  fs::rename(store(), dir_ / "away");

  EXPECT_EQ(Read(*file, kBlockBytes, 10).error().code, Code::kNotFound);
  EXPECT_EQ(Read(*file, 5, 10).value_or(""), Content(3 * kBlockBytes).substr(5, 10));

  fs::rename(dir_ / "away", store());
  EXPECT_EQ(Read(*file, kBlockBytes, 10).value_or(""),
            Content(3 * kBlockBytes).substr(kBlockBytes, 10));
}

TEST_F(PackedImage, DamagedBlockIsAnErrorOfItsRangeOnly) {
  WriteText(root() + "/big", Content(2 * kBlockBytes));
  ASSERT_TRUE(PackRoot());
  Open();
  auto const file = OpenFile("big");
  auto const name = HexOf(file->blocks[1].id);
  WriteText(store() + "/" + name.substr(0, 2) + "/" + name, "something else entirely");

  EXPECT_THAT(Read(*file, kBlockBytes, 1).error().message, HasSubstr("is damaged"));
  EXPECT_TRUE(Read(*file, 0, kBlockBytes));
}

TEST_F(PackedImage, NeedsAStore) {
  EXPECT_EQ(Pack({root(), dir_ / "image.fl", {}, {}}).error().code, Code::kInvalid);
}

}  // namespace
}  // namespace trellis::plugins::flist
