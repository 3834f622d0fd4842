// An image of every kind of file, mounted by the real server: it looks like what it was made of.
#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/tool.hpp"
#include "plugins/flist/rfs/pack.hpp"
#include "tests/integration/flist/image_server.hpp"
#include "tests/support/image_tree.hpp"
#include "tests/support/own_namespaces.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/redis_server.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

namespace trellis::testing {
namespace {

namespace fs = std::filesystem;
using plugins::flist::kBlockBytes;
using plugins::flist::Pack;

constexpr uid_t kUser = 1234;
constexpr gid_t kGroup = 4321;

/// Everything about an entry that an image keeps.
std::string Describe(fs::path const& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return "missing";
  auto text = fmt::format("{:o} {}:{} {} {}", info.st_mode, info.st_uid, info.st_gid, info.st_rdev,
                          info.st_mtim.tv_sec);
  if (S_ISLNK(info.st_mode)) return text + " -> " + fs::read_symlink(path).string();
  if (!S_ISREG(info.st_mode)) return text;
  return text +
         fmt::format(" {} bytes, hash {}", info.st_size, std::hash<std::string>()(ReadText(path)));
}

std::map<std::string, std::string> Tree(std::string const& root) {
  std::map<std::string, std::string> out{{"", Describe(root)}};
  for (auto const& entry : fs::recursive_directory_iterator(root))
    out.emplace(fs::relative(entry.path(), root).string(), Describe(entry.path()));
  return out;
}

class ImageFsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    EnterOwnNamespaces();
    ASSERT_TRUE(plugins::RunTool({"ip", "link", "set", "lo", "up"}, kPatience));
    for (auto const* name : {"root", "mnt", "store"})
      fs::create_directories(dir_ / name);
  }
  void PackRoot(std::string const& url) {
    auto const packed = Pack({dir_ / "root", dir_ / "image.fl", {{0, 255, url}}, {}});
    ASSERT_TRUE(packed) << packed.error().message;
  }
  void PackRoot() { PackRoot("dir://" + (dir_ / "store")); }
  [[nodiscard]] std::string mnt(std::string const& name) const { return dir_ / ("mnt/" + name); }
  /// -1 and errno when it fails.
  [[nodiscard]] ssize_t ReadAt(std::string const& name, off_t offset) const {
    plugins::UniqueFd const fd(::open(mnt(name).c_str(), O_RDONLY | O_CLOEXEC));
    char byte = 0;
    return fd ? ::pread(fd.get(), &byte, 1, offset) : -2;
  }

  TempDir dir_;
};

/// A store that takes connections and says nothing until it hangs up.
class SilentStore {
 public:
  explicit SilentStore(std::string path) : path_(std::move(path)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 64), 0);
  }
  [[nodiscard]] std::string const& path() const { return path_; }
  bool AwaitClients(std::size_t count) {
    while (clients_.size() < count) {
      pollfd wait{listener_.get(), POLLIN, 0};
      if (::poll(&wait, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) != 1)
        return false;
      clients_.emplace_back(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
    return true;
  }
  void HangUp() {
    listener_.Reset();
    clients_.clear();
  }

 private:
  std::string path_;
  plugins::UniqueFd listener_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::vector<plugins::UniqueFd> clients_;
};

/// Is the thread, once it has begun, in a call that does not return?
bool AwaitsSomething(std::atomic<pid_t> const& thread) {
  auto const end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    auto const text = ReadText(fmt::format("/proc/self/task/{}/stat", thread.load()));
    auto const name_ends = text.rfind(") ");
    if (name_ends != std::string::npos &&
        (text[name_ends + 2] == 'S' || text[name_ends + 2] == 'D'))
      return true;
    std::this_thread::yield();
  }
  return false;
}

void MakeEveryKind(TempDir const& dir) {
  auto const in = [&](char const* name) { return dir / (std::string("root/") + name); };
  WriteText(in("etc/hostname"), "node");
  WriteText(in("empty"), "");
  WriteText(in("bin/tool"), "program");
  ASSERT_EQ(::chmod(in("bin/tool").c_str(), 04755), 0);
  ASSERT_EQ(::lchown(in("etc/hostname").c_str(), kUser, kGroup), 0);
  fs::create_symlink("/etc/hostname", in("absolute"));
  fs::create_symlink("nowhere", in("dangling"));
  ASSERT_EQ(::lchown(in("dangling").c_str(), kUser, kGroup), 0);
  ASSERT_EQ(::mkfifo(in("fifo").c_str(), 0640), 0);
  ASSERT_EQ(::mknod(in("socket").c_str(), S_IFSOCK | 0600, 0), 0);
  ASSERT_EQ(::mknod(in("null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
  ASSERT_EQ(::mknod(in("disk").c_str(), S_IFBLK | 0660, makedev(259, 300)), 0);
  for (int i = 0; i < 3000; ++i)
    WriteText(in("many/") + std::to_string(i), std::to_string(i));
  WriteText(in(("long/" + std::string(255, 'n')).c_str()), "x");
  WriteText(in("big"), std::string(5 * kBlockBytes / 2, 'b'));
  std::ofstream(in("sparse")) << "begin";
  fs::resize_file(in("sparse"), 40 * kBlockBytes + 17);
  ASSERT_EQ(::chmod((dir / "root/etc").c_str(), 01777), 0);
}

TEST_F(ImageFsTest, LooksLikeWhatItWasMadeOf) {
  MakeEveryKind(dir_);
  PackRoot();
  ImageServer server(dir_ / "image.fl", dir_ / "mnt", dir_ / "cache");
  ASSERT_TRUE(server.Await());

  EXPECT_EQ(Tree(dir_ / "mnt"), Tree(dir_ / "root"));
  EXPECT_EQ(Tree(dir_ / "mnt"), Tree(dir_ / "root"));  // from what the kernel kept
}

TEST_F(ImageFsTest, TakesNoWrites) {
  WriteText(dir_ / "root/file", "x");
  PackRoot();
  ImageServer server(dir_ / "image.fl", dir_ / "mnt", dir_ / "cache");
  ASSERT_TRUE(server.Await());

  EXPECT_EQ(::open(mnt("file").c_str(), O_WRONLY | O_CLOEXEC), -1);
  EXPECT_EQ(errno, EROFS);
  EXPECT_EQ(::mkdir(mnt("new").c_str(), 0700), -1);
  EXPECT_EQ(errno, EROFS);
}

TEST_F(ImageFsTest, StoreThatVanishesInAReadGivesEioAndRecovers) {
  RedisServer redis;
  WriteText(dir_ / "root/file", std::string(8 * kBlockBytes, 'x') + std::string(kBlockBytes, 'y'));
  PackRoot("zdb://" + redis.socket());
  ImageServer server(dir_ / "image.fl", dir_ / "mnt", dir_ / "cache");
  ASSERT_TRUE(server.Await());
  ASSERT_EQ(ReadAt("file", 0), 1);

  redis.Kill();
  ASSERT_EQ(ReadAt("file", 8 * kBlockBytes + 1), -1);
  EXPECT_EQ(errno, EIO);
  EXPECT_EQ(ReadAt("file", 7 * kBlockBytes + 1), 1) << "equal blocks are in the cache";

  redis.Start();
  PackRoot("zdb://" + redis.socket());  // it forgot the blocks
  EXPECT_EQ(ReadAt("file", 8 * kBlockBytes + 1), 1);
}

TEST_F(ImageFsTest, NamesAreAnsweredWhileAStoreKeepsSilent) {
  constexpr std::size_t kReaders = 16;  // more than there are threads of any kind
  WriteText(dir_ / "root/name", "");
  std::string content;
  for (std::size_t i = 0; i < kReaders; ++i)
    content += std::string(kBlockBytes, static_cast<char>('a' + i));
  WriteText(dir_ / "root/file", content);
  SilentStore silent(dir_ / "silent.sock");
  auto const packed = Pack({dir_ / "root",
                            dir_ / "image.fl",
                            {{0, 255, "dir://" + (dir_ / "store")}},
                            {},
                            {{0, 255, "zdb://" + silent.path()}}});
  ASSERT_TRUE(packed) << packed.error().message;
  ImageServer server(dir_ / "image.fl", dir_ / "mnt", dir_ / "cache");
  ASSERT_TRUE(server.Await());
  plugins::UniqueFd const file(::open(mnt("file").c_str(), O_RDONLY | O_CLOEXEC));
  std::atomic<int> ended = 0;
  std::array<std::atomic<pid_t>, kReaders> at_work{};
  std::vector<std::jthread> readers;
  readers.reserve(kReaders);
  for (std::size_t i = 0; i < kReaders; ++i)
    readers.emplace_back([&, i] {
      char byte = 0;
      at_work[i] = ::gettid();
      EXPECT_EQ(::pread(file.get(), &byte, 1, static_cast<off_t>(i * kBlockBytes)), -1);
      ++ended;
    });
  ASSERT_TRUE(silent.AwaitClients(1));
  for (auto const& reader : at_work)
    ASSERT_TRUE(AwaitsSomething(reader));

  struct statfs info {};
  EXPECT_EQ(::statfs((dir_ / "mnt").c_str(), &info), 0);
  EXPECT_TRUE(Exists(mnt("name")));
  EXPECT_EQ(ended, 0) << "the names came after the reads";
  silent.HangUp();
}

TEST_F(ImageFsTest, DamagedBlockGivesEio) {
  WriteText(dir_ / "root/file", "content");
  PackRoot();
  for (auto const& entry : fs::recursive_directory_iterator(dir_ / "store"))
    if (entry.is_regular_file()) WriteText(entry.path(), "nothing that was ever packed");
  ImageServer server(dir_ / "image.fl", dir_ / "mnt", dir_ / "cache");
  ASSERT_TRUE(server.Await());

  EXPECT_EQ(ReadAt("file", 0), -1);
  EXPECT_EQ(errno, EIO);
}

TEST_F(ImageFsTest, CachedBlocksNeedNoStore) {
  WriteText(dir_ / "root/file", "content");
  PackRoot();
  {
    ImageServer server(dir_ / "image.fl", dir_ / "mnt", dir_ / "cache");
    ASSERT_TRUE(server.Await());
    ASSERT_EQ(ReadText(mnt("file")), "content");
  }
  fs::remove_all(dir_ / "store");
  ImageServer server(dir_ / "image.fl", dir_ / "mnt", dir_ / "cache");
  ASSERT_TRUE(server.Await());

  EXPECT_EQ(ReadText(mnt("file")), "content");
}

TEST_F(ImageFsTest, MountOfAKilledServerIsReplacedByTheNext) {
  WriteText(dir_ / "root/file", "content");
  PackRoot();
  ImageServer first(dir_ / "image.fl", dir_ / "mnt", dir_ / "cache");
  ASSERT_TRUE(first.Await());
  first.Signal(SIGKILL);
  (void)first.Wait();
  struct statfs info {};
  ASSERT_EQ(::statfs((dir_ / "mnt").c_str(), &info), -1);
  ASSERT_EQ(errno, ENOTCONN);

  ImageServer second(dir_ / "image.fl", dir_ / "mnt", dir_ / "cache");
  ASSERT_TRUE(second.Await());

  EXPECT_EQ(ReadText(mnt("file")), "content");
}

TEST_F(ImageFsTest, SignalEndsServerAndMount) {
  PackRoot();
  ImageServer server(dir_ / "image.fl", dir_ / "mnt", dir_ / "cache");
  ASSERT_TRUE(server.Await());

  server.Signal(SIGTERM);

  EXPECT_EQ(server.Wait(), 0);
  EXPECT_TRUE(fs::is_empty(dir_ / "mnt"));
}

TEST_F(ImageFsTest, WhatIsNoImageIsRefused) {
  WriteText(dir_ / "image.fl", "nothing");
  ImageServer server(dir_ / "image.fl", dir_ / "mnt", dir_ / "cache");

  EXPECT_FALSE(server.Await());
  EXPECT_EQ(server.Wait(), 1);
}

}  // namespace
}  // namespace trellis::testing
