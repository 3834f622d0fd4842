#include "plugins/zmachine/image_root.hpp"

#include "plugins/zmachine/guest/file_io.hpp"
#include "plugins/zmachine/guest/kernel_image.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>

namespace trellis::plugins::zmachine {
namespace {

tl::unexpected<Error> Failed(std::string_view what, std::string const& path) {
  return Fail(Code::kIo, "{} '{}': {}", what, path, std::strerror(errno));
}

Result<void> CopyDescriptor(int from, int to, std::string const& path) {
  static constexpr std::size_t kChunk = std::size_t{4} << 20;
  for (;;) {
    auto const copied = ::sendfile(to, from, nullptr, kChunk);
    if (copied == 0) return {};
    if (copied < 0 && errno != EINTR) return Failed("copy", path);
  }
}

std::string Parent(std::string const& path) {
  auto const parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}
std::string Base(std::string const& path) {
  return std::filesystem::path(path).filename().string();
}

}  // namespace

Result<ReceivedFd> ImageRoot::Open(std::string const& path, int flags, unsigned mode) const {
  ReceivedFd const root(::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (root.get() < 0) return Failed("open image", path_);
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  auto const fd =
      static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how));
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
    return Fail(Code::kNotFound, "image has no '{}'", path);
  if (fd < 0 && errno == ELOOP) return Fail(Code::kInvalid, "path '{}' is of invalid type", path);
  if (fd < 0) return Failed("open", path);
  return ReceivedFd(fd);
}

Result<ReceivedFd> ImageRoot::OpenFile(std::string const& path) const {
  TRELLIS_TRY(auto fd, Open(path, O_RDONLY | O_NONBLOCK, 0));  // a FIFO must not block us
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return Failed("look at", path);
  if (!S_ISREG(status.st_mode)) return Fail(Code::kInvalid, "path '{}' is of invalid type", path);
  return fd;
}

Result<bool> ImageRoot::IsFile(std::string const& path) const {
  auto const fd = OpenFile(path);
  if (!fd && fd.error().code == Code::kNotFound) return false;
  if (!fd) return tl::unexpected<Error>(fd.error());
  return true;
}

Result<std::string> ImageRoot::Read(std::string const& path, std::size_t limit) const {
  TRELLIS_TRY(auto const fd, OpenFile(path));
  std::string text;
  std::array<char, 16384> buffer{};
  for (;;) {
    auto const size = ::read(fd.get(), buffer.data(), buffer.size());
    if (size < 0) return Failed("read", path);
    if (size == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(size));
    if (text.size() > limit)
      return Fail(Code::kExhausted, "'{}' is larger than {} bytes", path, limit);
  }
}

Result<void> ImageRoot::CopyOut(std::string const& path, std::string const& target) const {
  TRELLIS_TRY(auto const from, OpenFile(path));
  std::string const temporary = target + ".new";
  ReceivedFd const to(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (to.get() < 0) return Failed("create", temporary);
  TRELLIS_CHECK(CopyDescriptor(from.get(), to.get(), path));
  if (::rename(temporary.c_str(), target.c_str()) != 0) return Failed("rename", temporary);
  return {};
}

Result<void> ImageRoot::CopyIn(std::string const& source, std::string const& path) const {
  ReceivedFd const from(::open(source.c_str(), O_RDONLY | O_CLOEXEC));
  if (from.get() < 0) return Failed("open", source);
  TRELLIS_TRY(auto const folder, Open(Parent(path), O_RDONLY | O_DIRECTORY, 0));
  std::string const name = Base(path);
  ::unlinkat(folder.get(), name.c_str(), 0);
  ReceivedFd const to(::openat(folder.get(), name.c_str(),
                               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0755));
  if (to.get() < 0) return Failed("create", path);
  return CopyDescriptor(from.get(), to.get(), path);
}

Result<void> ImageRoot::RemoveSshHostKeys() const {
  auto folder = Open("etc/ssh", O_RDONLY | O_DIRECTORY, 0);
  if (!folder && folder.error().code == Code::kNotFound) return {};
  if (!folder) return tl::unexpected<Error>(folder.error());
  struct CloseFolder {
    void operator()(DIR* dir) const { ::closedir(dir); }
  };
  std::unique_ptr<DIR, CloseFolder> const dir(::fdopendir(folder->Release()));
  if (dir == nullptr) return Failed("list", "etc/ssh");
  while (dirent const* const entry = ::readdir(dir.get())) {
    std::string_view const name(static_cast<char const*>(entry->d_name));
    if (name.starts_with("ssh_host_"))
      ::unlinkat(::dirfd(dir.get()), static_cast<char const*>(entry->d_name), 0);
  }
  return {};
}

Result<std::string> ImageRoot::Resolve(std::string const& path) const {
  TRELLIS_TRY(auto const fd, OpenFile(path));
  std::error_code error;
  auto const real = std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", fd.get()), error);
  if (error) return Fail(Code::kIo, "resolve '{}': {}", path, error.message());
  return real.string();
}

Result<void> CheckKernelFormat(std::string const& path) {
  TRELLIS_TRY(auto const bytes, ReadWholeFile(path));
  if (DetectKernelFormat(bytes) == KernelFormat::kUnsupported)
    return Fail(Code::kInvalid, "unsupported kernel format");
  return {};
}

std::string RootFileSystem(std::string const& disk) {
  struct Magic {
    ::off_t offset;
    std::string_view bytes;
    char const* name;
  };
  // On-disk formats: ext4 s_magic, xfs sb_magicnum, squashfs s_magic.
  static constexpr std::array<Magic, 3> kMagics = {
      {{1080, "\x53\xef", "ext4"}, {0, "XFSB", "xfs"}, {0, "hsqs", "squashfs"}}};
  ReceivedFd const fd(::open(disk.c_str(), O_RDONLY | O_CLOEXEC));
  for (auto const& magic : kMagics) {
    std::array<char, 4> found{};
    auto const size = ::pread(fd.get(), found.data(), magic.bytes.size(), magic.offset);
    if (size == static_cast<::ssize_t>(magic.bytes.size()) &&
        std::string_view(found.data(), magic.bytes.size()) == magic.bytes)
      return magic.name;
  }
  return "btrfs";
}

Result<BootMedium> DetectBootMedium(std::string const& path) {
  static constexpr std::string_view kEfiPart = "EFI PART";
  std::array<char, 1024> head{};
  ReceivedFd const fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return Failed("open", path);
  auto const size = ::pread(fd.get(), head.data(), head.size(), 0);
  std::string_view const text(head.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  if (text.size() >= 520 && text.substr(512, kEfiPart.size()) == kEfiPart) return BootMedium::kEfi;
  if (text.size() >= 512 && text.substr(510, 2) == "\x55\xaa") return BootMedium::kMbr;
  return Fail(Code::kInvalid, "image is not bootable");
}

}  // namespace trellis::plugins::zmachine
