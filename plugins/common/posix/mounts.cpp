#include "plugins/common/posix/mounts.hpp"

#include "plugins/common/posix/files.hpp"

#include <sys/mount.h>
#include <sys/sysmacros.h>

#include <charconv>
#include <sstream>

namespace trellis::plugins {

namespace {

constexpr std::size_t kMaxTable = std::size_t{16} << 20;

// The kernel writes blank, tab, newline and backslash as \ooo.
std::string Unescape(std::string const& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool const escape = text[i] == '\\' && i + 3 < text.size();
    if (!escape) {
      out.push_back(text[i]);
      continue;
    }
    int value = 0;
    for (std::size_t digit = 1; digit <= 3; ++digit)
      value = value * 8 + (text[i + digit] - '0');
    out.push_back(static_cast<char>(value));
    i += 3;
  }
  return out;
}

// `major:minor`
std::uint64_t DeviceOf(std::string const& text) {
  unsigned major = 0;
  unsigned minor = 0;
  auto const* const end = text.data() + text.size();
  auto const first = std::from_chars(text.data(), end, major);
  if (first.ec != std::errc() || first.ptr == end) return 0;
  std::from_chars(first.ptr + 1, end, minor);
  return makedev(major, minor);
}

}  // namespace

std::vector<MountEntry> ParseMounts(std::string const& text) {
  std::vector<MountEntry> mounts;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id, parent, device, root, word;
    MountEntry entry;
    words >> id >> parent >> device >> root >> entry.target >> entry.options;
    while (words >> word && word != "-") {
    }
    if (!(words >> entry.fs_type >> entry.source >> entry.super_options)) continue;
    entry.device = DeviceOf(device);
    entry.target = Unescape(entry.target);
    entry.source = Unescape(entry.source);
    mounts.push_back(std::move(entry));
  }
  return mounts;
}

Result<std::vector<MountEntry>> ReadMounts() {
  TRELLIS_TRY(auto const text, ReadFile("/proc/self/mountinfo", kMaxTable));
  return ParseMounts(text);
}

Result<std::optional<MountEntry>> FindMount(std::string const& target) {
  TRELLIS_TRY(auto mounts, ReadMounts());
  auto const real = RealPath(target);
  std::optional<MountEntry> found;
  for (auto& entry : mounts) {
    if (entry.target == real) found = std::move(entry);
  }
  return found;
}

Result<void> Unmount(std::string const& target) {
  while (::umount2(target.c_str(), UMOUNT_NOFOLLOW) == 0) {
  }
  if (errno == EINVAL || errno == ENOENT) return {};  // not a mount point (any more)
  if (errno == EBUSY) return Fail(Code::kBusy, "'{}' is in use", target);
  return FailErrno("unmount '{}'", target);
}

}  // namespace trellis::plugins
