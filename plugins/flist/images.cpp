#include "plugins/flist/images.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/flist/archive.hpp"
#include "plugins/flist/root_lookup.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>

namespace trellis::plugins::flist {

namespace {

constexpr std::string_view kTempPrefix = ".new-";
constexpr std::size_t kMaxKnown = 4096;
constexpr std::size_t kMaxNote = std::size_t{1} << 20;
constexpr std::size_t kCopyChunk = std::size_t{64} << 20;
constexpr unsigned kImageMode = 0600;
constexpr std::time_t kYoungSeconds =
    600;  // an image that was just asked for is about to be mounted

struct ImageNote {
  ImageConfig config;
  std::uint64_t bytes = 0;
};
BOOST_DESCRIBE_STRUCT(ImageNote, (), (config, bytes))

std::string Stamp(struct stat const& info) {
  return fmt::format("{}:{}:{}:{}.{}:{}.{}", info.st_dev, info.st_ino, info.st_size,
                     info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_ctim.tv_sec,
                     info.st_ctim.tv_nsec);
}

Result<void> SyncTree(std::string const& path) {
  TRELLIS_TRY(auto const fd, OpenFile(path, O_RDONLY | O_DIRECTORY));
  if (::syncfs(fd.get()) != 0) return FailErrno("sync '{}'", path);
  return {};
}

}  // namespace

Images::Images(FlistConfig const& config, std::string const& dir)
    : config_(config),
      rootfs_(dir + "/rootfs"),
      downloads_(dir + "/downloads", config.max_download),
      sources_(config_, downloads_) {}

Result<void> Images::Start() const {
  TRELLIS_CHECK(MakeDirs(rootfs_, 0711));
  TRELLIS_TRY(auto const names, ListDir(rootfs_));
  for (auto const& name : names) {
    if (name.starts_with(kTempPrefix)) TRELLIS_CHECK(RemoveTree(rootfs_ + "/" + name));
  }
  return {};
}

Result<Images::KnownFile> Images::Examine(Call& call, std::string const& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return FailErrno("'{}'", path);
  auto const stamp = Stamp(info);
  {
    std::lock_guard const lock(mutex_);
    auto const found = known_.find(path);
    if (found != known_.end() && found->second.stamp == stamp) return found->second;
  }
  KnownFile file;
  file.stamp = stamp;
  TRELLIS_TRY(file.format, Sniff(call, path));
  TRELLIS_TRY(file.digests, DigestFile(call, path));
  std::lock_guard const lock(mutex_);
  if (known_.size() >= kMaxKnown) known_.clear();
  known_.insert_or_assign(path, file);
  return file;
}

Result<Images::Identity> Images::Identify(Call& call, std::string const& url) {
  Identity identity;
  TRELLIS_TRY(identity.path, sources_.Locate(call, url));
  struct stat info {};
  if (::stat(identity.path.c_str(), &info) != 0) return FailErrno("'{}'", identity.path);
  if (!S_ISDIR(info.st_mode)) {
    TRELLIS_TRY(auto const file, Examine(call, identity.path));
    identity.format = file.format;
    identity.key = file.digests.blake2b;
    identity.hash = file.digests.md5;
    return identity;
  }
  TRELLIS_TRY(identity.format, Sniff(call, identity.path));
  if (identity.format == ImageFormat::kOciDirectory) {
    TRELLIS_TRY(identity.hash, OciManifestDigest(call, identity.path));
    identity.key = DigestText("oci:" + identity.hash);
  } else {
    identity.key = DigestText("directory:" + identity.path);
    identity.hash = identity.key;
  }
  return identity;
}

Result<std::string> Images::Hash(Call& call, std::string const& url) {
  TRELLIS_TRY(auto const identity, Identify(call, url));
  return identity.hash;
}

Result<Image> Images::Load(Identity const& identity) const {
  auto const dir = DirOf(identity.key);
  TRELLIS_TRY(auto const text, ReadFile(dir + "/image.json", kMaxNote));
  TRELLIS_TRY(auto note, json::Parse<ImageNote>(text));
  ::utimensat(AT_FDCWD, (dir + "/image.json").c_str(), nullptr, 0);  // last used: now
  auto const* const name = IsMountable(identity.format) ? "/image" : "/root";
  return Image{identity.key, identity.hash, identity.format, dir + name, std::move(note.config)};
}

Result<Image> Images::Ensure(Call& call, std::string const& url) {
  TRELLIS_TRY(auto const identity, Identify(call, url));
  if (identity.format == ImageFormat::kDirectory)
    return Image{identity.key, identity.hash, identity.format, identity.path, {}};
  BusyKeys::Hold const alone(busy_, identity.key);
  if (::access(DirOf(identity.key).c_str(), F_OK) != 0) TRELLIS_CHECK(Unpack(call, identity));
  return Load(identity);
}

Result<Image> Images::Kept(std::string const& key) const {
  Identity identity;
  identity.key = key;
  auto const file = DirOf(key) + "/image";
  if (::access(file.c_str(), F_OK) == 0) {
    TRELLIS_TRY(identity.format, SniffMountable(file));
  }
  return Load(identity);
}

Result<void> Images::Unpack(Call& call, Identity const& identity) const {
  std::string temp =
      fmt::format("{}/{}{}-XXXXXX", rootfs_, kTempPrefix, identity.key.substr(0, 16));
  if (::mkdtemp(temp.data()) == nullptr) return FailErrno("create '{}'", temp);
  auto done = IsMountable(identity.format) ? CopyInto(call, identity, temp)
                                           : UnpackInto(call, identity, temp);
  if (done && ::rename(temp.c_str(), DirOf(identity.key).c_str()) != 0)
    done = FailErrno("keep the unpacked image");
  if (!done) {
    auto const removed = RemoveTree(temp);  // else Start does it
    (void)removed;
  }
  return done;
}

// A copy of its own: what stands under the URL may change while the image is mounted.
Result<void> Images::CopyInto(Call& call, Identity const& identity, std::string const& temp) const {
  auto const file = temp + "/image";
  TRELLIS_TRY(auto const from, OpenFile(identity.path, O_RDONLY));
  TRELLIS_TRY(auto const to, OpenFile(file, O_WRONLY | O_CREAT | O_EXCL, kImageMode));
  std::uint64_t bytes = 0;
  while (true) {
    TRELLIS_CHECK(call.Checkpoint());
    auto copied = ::copy_file_range(from.get(), nullptr, to.get(), nullptr, kCopyChunk, 0);
    if (copied < 0 && errno == EXDEV)  // file systems of different kinds
      copied = ::sendfile(to.get(), from.get(), nullptr, kCopyChunk);
    if (copied < 0 && errno == EINTR) continue;
    if (copied < 0) return FailErrno("copy '{}'", identity.path);
    if (copied == 0) break;
    bytes += static_cast<std::uint64_t>(copied);
  }
  TRELLIS_TRY(auto const digests, DigestFile(call, file));
  if (digests.blake2b != identity.key)
    return Fail(Code::kConflict, "'{}' changed while it was read", identity.path);
  TRELLIS_CHECK(WriteFile(temp + "/image.json", json::Dump(ImageNote{{}, bytes}), 0644));
  if (::chmod(temp.c_str(), 0755) != 0) return FailErrno("open the image to readers");
  return SyncTree(temp);
}

Result<void> Images::UnpackInto(Call& call, Identity const& identity,
                                std::string const& temp) const {
  auto const root = temp + "/root";
  auto const layout = temp + "/layout";
  TRELLIS_CHECK(MakeDirs(root, 0755));
  auto budget = config_.max_unpacked;
  LayoutImage image;
  switch (identity.format) {
    case ImageFormat::kDirectory:
    case ImageFormat::kRfs:
    case ImageFormat::kSquashfs:
      return Fail(Code::kInternal, "an image of this kind is not unpacked");
    case ImageFormat::kRootTar:
      image.layers.push_back(identity.path);
      break;
    case ImageFormat::kOciDirectory: {
      TRELLIS_TRY(image, ReadOciLayout(call, identity.path));
      break;
    }
    case ImageFormat::kOciArchive:
    case ImageFormat::kDockerArchive: {
      TRELLIS_CHECK(MakeDirs(layout, 0700));
      TRELLIS_CHECK(ApplyLayer(call, identity.path, layout, budget));
      bool const oci = identity.format == ImageFormat::kOciArchive;
      TRELLIS_TRY(image, oci ? ReadOciLayout(call, layout) : ReadDockerArchive(call, layout));
      break;
    }
  }
  for (auto const& layer : image.layers)
    TRELLIS_CHECK(ApplyLayer(call, layer, root, budget));
  TRELLIS_CHECK(RemoveTree(layout));
  bool const layered = identity.format != ImageFormat::kRootTar;
  if (layered && image.config.entrypoint.empty() && HasFile(root, "/bin/sh").value_or(false))
    image.config.entrypoint = "/bin/sh";
  ImageNote const note{std::move(image.config), config_.max_unpacked - budget};
  TRELLIS_CHECK(WriteFile(temp + "/image.json", json::Dump(note), 0644));
  if (::chmod(temp.c_str(), 0755) != 0) return FailErrno("open the unpacked image to readers");
  return SyncTree(temp);
}

Result<void> Images::Collect(std::set<std::string> const& in_use) const {
  struct Kept {
    std::time_t used;
    std::uint64_t bytes;
    std::string key;
  };
  std::vector<Kept> images;
  std::uint64_t total = 0;
  TRELLIS_TRY(auto const keys, ListDir(rootfs_));
  for (auto const& key : keys) {
    auto const file = DirOf(key) + "/image.json";
    struct stat info {};
    auto const text = ReadFile(file, kMaxNote);
    if (!text || ::stat(file.c_str(), &info) != 0) continue;
    auto const note = json::Parse<ImageNote>(*text);
    images.push_back({info.st_mtim.tv_sec, note ? note->bytes : 0, key});
    total += images.back().bytes;
  }
  std::ranges::sort(images, {}, &Kept::used);
  auto const now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  for (auto const& image : images) {
    if (total <= config_.cache_limit) break;
    if (in_use.contains(image.key) || now - image.used < kYoungSeconds) continue;
    // Under another name first: a half-removed tree must not look complete.
    auto const doomed = fmt::format("{}/{}{}", rootfs_, kTempPrefix, image.key);
    if (::rename(DirOf(image.key).c_str(), doomed.c_str()) != 0)
      return FailErrno("remove image '{}'", image.key);
    TRELLIS_CHECK(RemoveTree(doomed));
    total -= image.bytes;
  }
  return {};
}

}  // namespace trellis::plugins::flist
