#include "plugins/zmachine/machine_files.hpp"

#include "plugins/zmachine/settings.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace trellis::plugins::zmachine {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxLaunchBytes = std::size_t{1} << 20;

tl::unexpected<Error> Failed(std::string_view what, std::string const& path) {
  return Fail(Code::kIo, "{} '{}': {}", what, path, std::strerror(errno));
}

Result<void> MakeFolder(std::string const& path) {
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return Failed("create", path);
  return GiveToEmulator(path);
}

Result<void> RemoveTree(std::string const& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return Fail(Code::kIo, "remove '{}': {}", path, error.message());
  return {};
}

Result<void> Append(int fd, std::span<std::uint8_t const> bytes, std::string const& path) {
  while (!bytes.empty()) {
    auto const written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed("write", path);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> WriteAll(int fd, std::span<std::uint8_t const> bytes, std::string const& path) {
  TRELLIS_CHECK(Append(fd, bytes, path));
  if (::fsync(fd) != 0) return Failed("sync", path);
  return {};
}

Result<void> SyncFolderOf(std::string const& path) {
  auto const folder = fs::path(path).parent_path().string();
  ReceivedFd const fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) return Failed("sync", folder);
  return {};
}

/// Which bytes of a log a rotation copied, and to which file.
struct Rotation {
  std::uint64_t inode = 0;
  std::uint64_t start = 0;
  std::uint64_t end = 0;
};
BOOST_DESCRIBE_STRUCT(Rotation, (), (inode, start, end))

/// The bytes of `from` at `offset`, up to its end.
Result<std::string> ReadFrom(int from, std::uint64_t offset, std::string const& path) {
  struct stat info {};
  if (::fstat(from, &info) != 0) return Failed("look at", path);
  auto const size = static_cast<std::uint64_t>(info.st_size);
  std::string bytes(size > offset ? size - offset : 0, '\0');
  auto const got = ::pread(from, bytes.data(), bytes.size(), static_cast<off_t>(offset));
  if (got < 0) return Failed("read", path);
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

/// The last `keep` bytes of a log that grows meanwhile, and what came while they were synced.
Result<Rotation> CopyEnd(std::string const& path, std::string const& to, std::uint64_t keep) {
  ReceivedFd const log(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (log.get() < 0) return Failed("open", path);
  ReceivedFd const copy(
      ::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
  struct stat info {};
  struct stat made {};
  if (copy.get() < 0 || ::fstat(copy.get(), &made) != 0) return Failed("create", to);
  if (::fstat(log.get(), &info) != 0) return Failed("look at", path);
  auto const size = static_cast<std::uint64_t>(info.st_size);
  Rotation rotation{made.st_ino, size - std::min(size, keep), 0};
  rotation.end = rotation.start;
  static constexpr int kRounds = 4;  // the first is synced and slow; the later ones have little
  for (int round = 0; round < kRounds; ++round) {
    TRELLIS_TRY(std::string const bytes, ReadFrom(log.get(), rotation.end, path));
    if (bytes.empty()) break;
    auto const* const data = reinterpret_cast<std::uint8_t const*>(bytes.data());
    TRELLIS_CHECK(Append(copy.get(), {data, bytes.size()}, to));
    if (round == 0 && ::fsync(copy.get()) != 0) return Failed("sync", to);
    rotation.end += bytes.size();
  }
  return rotation;
}

}  // namespace

MachineFiles::MachineFiles(std::string const& state_dir, std::string const& run_dir,
                           std::string_view id)
    : run_(fmt::format("{}/{}", run_dir, id)),
      state_(fmt::format("{}/{}", state_dir, id)),
      console_(run_ + "/console.sock") {
  static constexpr std::size_t kShortNameDigits = 16;
  if (console_.size() >= sizeof(sockaddr_un::sun_path))
    console_ = fmt::format("{}/{}.sock", run_dir, HashText(id).substr(0, kShortNameDigits));
}

Result<void> MachineFiles::Make() const {
  TRELLIS_CHECK(MakeFolder(run_));
  TRELLIS_CHECK(MakeFolder(state_));
  ReceivedFd const fd(
      ::open(log().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0640));
  if (fd.get() < 0) return Failed("create", log());
  return GiveToEmulator(log());
}

Result<void> MachineFiles::Remove() const {
  TRELLIS_CHECK(RemoveTree(console_));
  TRELLIS_CHECK(RemoveTree(run_));
  return RemoveTree(state_);
}

Result<Launch> MachineFiles::ReadLaunch() const {
  std::ifstream file(launch());
  if (!file) return Fail(Code::kNotFound, "no launch description of this machine");
  std::ostringstream text;
  text << file.rdbuf();
  if (text.view().size() > kMaxLaunchBytes)
    return Fail(Code::kDecode, "launch description of {} bytes", text.view().size());
  return json::Parse<Launch>(text.view());
}

Result<void> MachineFiles::WriteLaunch(Launch const& description) const {
  std::string const text = json::Dump(description);
  return WriteFile(launch(), {reinterpret_cast<std::uint8_t const*>(text.data()), text.size()});
}

Result<void> GiveToEmulator(std::string const& path) {
  std::string const user = QemuUser();
  passwd const* const entry = ::getpwnam(user.c_str());  // NOLINT(concurrency-mt-unsafe): read-only
  if (entry == nullptr) return Fail(Code::kIo, "no user '{}'", user);
  if (::chown(path.c_str(), entry->pw_uid, entry->pw_gid) != 0) return Failed("give away", path);
  return {};
}

std::vector<std::string> ListFolders(std::string const& dir, std::string const& name) {
  std::vector<std::string> found;
  std::error_code error;
  for (auto const& entry : fs::directory_iterator(dir, error)) {
    std::error_code ignored;
    if (fs::exists(entry.path() / name, ignored)) found.push_back(entry.path().filename().string());
  }
  return found;
}

Result<void> WriteFile(std::string const& path, std::span<std::uint8_t const> bytes) {
  std::string const temporary = path + ".new";
  {
    ReceivedFd const fd(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (fd.get() < 0) return Failed("create", temporary);
    TRELLIS_CHECK(WriteAll(fd.get(), bytes, temporary));
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return Failed("rename", temporary);
  return SyncFolderOf(path);
}

std::string ReadTail(std::string const& path, std::size_t limit) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {};
  auto const size = static_cast<std::size_t>(std::max<std::streamoff>(file.tellg(), 0));
  auto const take = std::min(size, limit);
  file.seekg(static_cast<std::streamoff>(size - take));
  std::string text(take, '\0');
  file.read(text.data(), static_cast<std::streamsize>(take));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return text;
}

Result<void> RotateLog(std::string const& path, std::uint64_t max, std::uint64_t keep) {
  std::error_code error;
  auto const size = fs::file_size(path, error);
  if (error || size <= max) return {};
  std::string const copy = path + ".0";
  std::string const record = path + ".rotated";
  TRELLIS_TRY(auto const rotation, CopyEnd(path, copy + ".new", keep));
  if (::rename((copy + ".new").c_str(), copy.c_str()) != 0) return Failed("rename", copy);
  // Not synced: what is written from here on until the log is empty is lost, so be quick. After a
  // crash of the machine a reader does not believe it.
  std::string const text = json::Dump(rotation);
  if (!(std::ofstream(record + ".new") << text) ||
      ::rename((record + ".new").c_str(), record.c_str()) != 0)
    return Failed("write", record);
  if (::truncate(path.c_str(), 0) != 0) return Failed("truncate", path);
  return {};
}

}  // namespace trellis::plugins::zmachine
