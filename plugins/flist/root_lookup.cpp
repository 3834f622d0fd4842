#include "plugins/flist/root_lookup.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <filesystem>

namespace trellis::plugins::flist {

namespace {

constexpr mode_t kDirMode = 0755;

Result<std::string> PathOf(int fd) {
  std::error_code error;
  auto path = std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", fd), error);
  if (error) return Fail(Code::kIo, "cannot tell the path of a directory: {}", error.message());
  return path.string();
}

}  // namespace

Result<UniqueFd> OpenInRoot(std::string const& root, std::string_view path, int flags) {
  TRELLIS_TRY(auto const dir, OpenFile(root, O_PATH | O_DIRECTORY));
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  std::string const name = path.empty() ? "." : std::string(path);
  auto const fd = ::syscall(SYS_openat2, dir.get(), name.c_str(), &how, sizeof how);
  if (fd < 0 && errno == ENOTDIR) errno = ENOENT;
  if (fd < 0) return FailErrno("'{}'", path);
  return UniqueFd(static_cast<int>(fd));
}

Result<bool> HasFile(std::string const& root, std::string_view path) {
  auto const name = OpenInRoot(root, path, O_PATH | O_NOFOLLOW);
  if (!name && name.error().code == Code::kNotFound) return false;
  if (!name) return tl::unexpected<Error>(name.error());
  auto const file = OpenInRoot(root, path, O_PATH);
  struct stat info {};
  if (file && ::fstat(file->get(), &info) == 0 && S_ISREG(info.st_mode)) return true;
  return Fail(Code::kInvalid, "path '{}' is of invalid type", path);
}

Result<std::string> DetectKind(std::string const& root) {
  TRELLIS_TRY(bool const kernel, HasFile(root, "/kernel"));
  TRELLIS_TRY(bool const image, HasFile(root, "/image.raw"));
  if (kernel && !image) return Fail(Code::kInvalid, "flist has /kernel but no /image.raw");
  if (kernel) return "vm-kernel";
  if (image) return "vm-firmware";
  TRELLIS_TRY(bool const own_kernel, HasFile(root, "/boot/vmlinuz"));
  return own_kernel ? "container-kernel" : "container";
}

Result<std::string> MakeDirInRoot(std::string const& root, std::string_view path) {
  auto whole = OpenInRoot(root, path, O_PATH | O_DIRECTORY);
  if (whole) return PathOf(whole->get());
  if (path.empty() || whole.error().code != Code::kNotFound)
    return Fail(Code::kInvalid, "'{}' is not a directory of the image", path);
  auto const slash = path.rfind('/');
  auto const parent = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
  auto const name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  TRELLIS_TRY(auto const real_parent, MakeDirInRoot(root, parent));
  auto const made = fmt::format("{}/{}", real_parent, name);
  if (::mkdir(made.c_str(), kDirMode) != 0)
    return Fail(Code::kInvalid, "'{}' is not a directory of the image", path);
  return made;
}

}  // namespace trellis::plugins::flist
