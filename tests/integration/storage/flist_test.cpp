#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/mounts.hpp"
#include "tests/integration/storage/flist_fixture.hpp"

#include <fcntl.h>

#include <filesystem>

namespace trellis::testing {
namespace {

using namespace trellis::services;
namespace fs = std::filesystem;

constexpr char const* kConfig =
    R"({"architecture":"amd64","os":"linux","config":{"Entrypoint":["/srv"],"Cmd":["-v"],"Env":["A=b"],"WorkingDir":"/w","User":"7"}})";

TEST_F(FlistTest, MissingFileIsOneClearSentence) {
  auto const url = "file://" + (images_ / "none.tar");

  auto const mounted = Mount(url);

  ASSERT_FALSE(mounted);
  EXPECT_EQ(mounted.error().message, "failed to mount flist: '" + url + "' does not exist");
}

TEST_F(FlistTest, DirectoryIsShownReadOnly) {
  WriteText(images_ / "root/etc/hostname", "node");

  auto const mounted = Mount(images_ / "root");

  ASSERT_TRUE(mounted) << mounted.error().message;
  EXPECT_EQ(mounted->kind, "container");
  EXPECT_EQ(ReadText(mounted->path + "/etc/hostname"), "node");
  EXPECT_EQ(::open((mounted->path + "/new").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600), -1);
  EXPECT_EQ(errno, EROFS);
}

TEST_F(FlistTest, OverlayKeepsTheImageAndTheWritesApart) {
  WriteTar(images_ / "root.tar", {{"etc/hostname", "node"}, {"gone", "x"}}, "gzip");
  auto const mounted = Mount(images_ / "root.tar", "rw");
  ASSERT_TRUE(mounted) << mounted.error().message;

  WriteText(mounted->path + "/etc/hostname", "changed");
  fs::remove(mounted->path + "/gone");
  ASSERT_TRUE(Unmount());
  auto const pristine = Mount(images_ / "root.tar", "ro", "other");
  auto const again = Mount(images_ / "root.tar", "rw");

  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(ReadText(pristine->path + "/etc/hostname"), "node");
  EXPECT_EQ(ReadText(again->path + "/etc/hostname"), "changed");
  EXPECT_FALSE(Exists(again->path + "/gone"));
  EXPECT_EQ(ReadText(upper() + "/rw/etc/hostname"), "changed");
}

TEST_F(FlistTest, HashOfAFileIsItsMd5) {
  WriteTar(images_ / "a.tar", {{"x", "y"}});
  WriteText(images_ / "copy.flist", ReadText(images_ / "a.tar"));

  auto const hash =
      host_.CallService<FlistHash>(kImageFlist, "hash", FlistHashRequest{images_ / "a.tar"});
  auto const mounted = Mount(images_ / "copy.flist");

  ASSERT_TRUE(hash && mounted);
  EXPECT_EQ(hash->hash.size(), 32U);
  EXPECT_EQ(mounted->hash, hash->hash);
}

TEST_F(FlistTest, OciLayoutIsFlattenedAndDescribed) {
  WriteTar(images_ / "1.tar", {{"srv", "old"}, {"gone", "x"}, {"dir/a", "1"}});
  WriteTar(images_ / "2.tar",
           {{"srv", "new"}, {".wh.gone", ""}, {"dir/.wh..wh..opq", ""}, {"dir/b", "2"}}, "zstd");
  WriteOciLayout(images_ / "oci", {images_ / "1.tar", images_ / "2.tar"}, kConfig);

  auto const mounted = Mount(images_ / "oci");

  ASSERT_TRUE(mounted) << mounted.error().message;
  EXPECT_EQ(ReadText(mounted->path + "/srv"), "new");
  EXPECT_FALSE(Exists(mounted->path + "/gone"));
  EXPECT_FALSE(Exists(mounted->path + "/dir/a"));
  EXPECT_EQ(ReadText(mounted->path + "/dir/b"), "2");
  EXPECT_EQ(mounted->entrypoint, R"("/srv" "-v")");
  EXPECT_EQ(mounted->env, (std::map<std::string, std::string>{{"A", "b"}}));
  EXPECT_EQ(mounted->cwd, "/w");
  EXPECT_EQ(mounted->user, "7");
}

TEST_F(FlistTest, BlobWithAnotherDigestIsRefusedAndLeavesNothing) {
  WriteTar(images_ / "1.tar", {{"srv", "old"}});
  WriteOciLayout(images_ / "oci", {images_ / "1.tar"}, kConfig);
  auto const blob = images_ / ("oci/blobs/sha256/" + Sha256(images_ / "1.tar"));
  auto text = ReadText(blob);
  text[600] = '!';
  WriteText(blob, text);

  auto const mounted = Mount(images_ / "oci");

  ASSERT_FALSE(mounted);
  EXPECT_EQ(mounted.error().code, Code::kInvalid);
  EXPECT_NE(mounted.error().message.find("has another digest"), std::string::npos)
      << mounted.error().message;
  EXPECT_TRUE(fs::is_empty(host_.dir() + "/state/flist/rootfs"));
}

TEST_F(FlistTest, OciArchiveIsMounted) {
  WriteTar(images_ / "1.tar", {{"srv", "content"}});
  WriteOciLayout(images_ / "oci", {images_ / "1.tar"}, kConfig);
  std::vector<TarEntry> members;
  for (auto const& entry : fs::recursive_directory_iterator(images_ / "oci")) {
    if (entry.is_regular_file())
      members.push_back(
          {fs::relative(entry.path(), images_ / "oci").string(), ReadText(entry.path().string())});
  }
  WriteTar(images_ / "oci.tar", members);

  auto const mounted = Mount(images_ / "oci.tar");

  ASSERT_TRUE(mounted) << mounted.error().message;
  EXPECT_EQ(ReadText(mounted->path + "/srv"), "content");
  EXPECT_EQ(mounted->entrypoint, R"("/srv" "-v")");
}

TEST_F(FlistTest, DockerArchiveIsMounted) {
  WriteTar(images_ / "1.tar", {{"srv", "content"}});
  WriteTar(images_ / "docker.tar",
           {{"manifest.json", R"([{"Config":"c.json","RepoTags":null,"Layers":["l/layer.tar"]}])"},
            {"c.json", R"({"config":{"Cmd":["/srv"]}})"},
            {"l/layer.tar", ReadText(images_ / "1.tar")}});

  auto const mounted = Mount(images_ / "docker.tar");

  ASSERT_TRUE(mounted) << mounted.error().message;
  EXPECT_EQ(ReadText(mounted->path + "/srv"), "content");
  EXPECT_EQ(mounted->entrypoint, R"("/srv")");
}

TEST_F(FlistTest, MountIsIdempotentAndSurvivesARestart) {
  WriteTar(images_ / "root.tar", {{"x", "y"}});
  auto const first = Mount(images_ / "root.tar", "rw");
  ASSERT_TRUE(first) << first.error().message;
  auto const open_file = plugins::OpenFile(first->path + "/x", O_RDONLY);
  ASSERT_TRUE(host_.Unload("flist"));
  LoadFlist();

  auto const again = Mount(images_ / "root.tar", "rw");

  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(json::Dump(*again), json::Dump(*first));
  EXPECT_EQ(host_.CallService<FlistLeases>(kImageFlist, "list", json::Nothing{})->leases.size(),
            1U);
}

TEST_F(FlistTest, UnmountOfAMountInUseFailsAndUnmountTwiceIsFine) {
  WriteTar(images_ / "root.tar", {{"x", "y"}});
  auto const mounted = Mount(images_ / "root.tar");
  ASSERT_TRUE(mounted);
  {
    auto const open_file = plugins::OpenFile(mounted->path + "/x", O_RDONLY);
    EXPECT_EQ(Unmount().error().code, Code::kBusy);
  }

  EXPECT_TRUE(Unmount());
  EXPECT_TRUE(Unmount());

  EXPECT_FALSE(Exists(mounted->path));
}

TEST_F(FlistTest, AnotherImageInTheSameSlotReplacesTheMount) {
  WriteTar(images_ / "a.tar", {{"a", "1"}});
  WriteTar(images_ / "b.tar", {{"b", "2"}});
  ASSERT_TRUE(Mount(images_ / "a.tar"));

  auto const mounted = Mount(images_ / "b.tar");

  ASSERT_TRUE(mounted);
  EXPECT_FALSE(Exists(mounted->path + "/a"));
  EXPECT_TRUE(Exists(mounted->path + "/b"));
}

TEST_F(FlistTest, UnusedImagesGoWhenTheCacheIsFull) {
  ASSERT_TRUE(host_.Unload("flist"));
  LoadFlist(R"(,"cache_limit":1)");
  WriteTar(images_ / "used.tar", {{"a", std::string(100, 'x')}});
  WriteTar(images_ / "unused.tar", {{"b", std::string(100, 'y')}});
  ASSERT_TRUE(Mount(images_ / "used.tar"));
  ASSERT_TRUE(Mount(images_ / "unused.tar", "ro", "other"));
  ASSERT_TRUE(Unmount("other"));
  auto const rootfs = host_.dir() + "/state/flist/rootfs";
  for (auto const& entry : fs::directory_iterator(rootfs))
    fs::last_write_time(entry.path() / "image.json",
                        fs::file_time_type::clock::now() - std::chrono::hours(1));

  host_.RunTasks();

  EXPECT_EQ(std::distance(fs::directory_iterator(rootfs), fs::directory_iterator()), 1);
  EXPECT_TRUE(Mount(images_ / "unused.tar", "ro", "other"));
}

TEST_F(FlistTest, LeavesOfAKilledUnpackAreRemovedAtStart) {
  ASSERT_TRUE(host_.Unload("flist"));
  auto const left = host_.dir() + "/state/flist/rootfs/.new-0123-abcdef";
  fs::create_directories(left + "/root");

  LoadFlist();

  EXPECT_FALSE(Exists(left));
}

}  // namespace
}  // namespace trellis::testing
