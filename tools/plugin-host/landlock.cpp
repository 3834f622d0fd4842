// By raw system calls: the C library has no wrappers, and its headers know an old Landlock only.
#include "tools/plugin-host/landlock.hpp"

#include "kernel/sys/errors.hpp"
#include "kernel/sys/fd.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <filesystem>

namespace trellis::plugin_host {

namespace {

// linux/landlock.h
constexpr std::uint64_t kExecute = 1U << 0U;
constexpr std::uint64_t kWriteFile = 1U << 1U;
constexpr std::uint64_t kReadFile = 1U << 2U;
constexpr std::uint64_t kReadDir = 1U << 3U;
constexpr std::uint64_t kMakeChar = 1U << 6U;
constexpr std::uint64_t kMakeBlock = 1U << 11U;
constexpr std::uint64_t kAllOfFirst = (1U << 13U) - 1U;
constexpr std::uint64_t kRefer = 1U << 13U;     // second version
constexpr std::uint64_t kTruncate = 1U << 14U;  // third
constexpr std::uint64_t kIoctlDev = 1U << 15U;  // fifth
constexpr std::uint64_t kScopeAbstractSocket = 1U << 0U;
constexpr std::uint64_t kScopeSignal = 1U << 1U;
constexpr long kTruncateSince = 3;
constexpr long kIoctlSince = 5;
constexpr long kScopesSince = 6;
constexpr unsigned kAskVersion = 1;
constexpr int kPathBeneath = 1;

struct Ruleset {
  std::uint64_t files = 0;
  std::uint64_t network = 0;  // since the fourth version
  std::uint64_t scopes = 0;   // since the sixth
};
struct __attribute__((packed)) Beneath {
  std::uint64_t allowed = 0;
  std::int32_t parent = -1;
};

constexpr std::uint64_t kLook = kReadFile | kReadDir;
constexpr std::uint64_t kOnFiles = kExecute | kWriteFile | kReadFile | kTruncate | kIoctlDev;
/// A plugin cannot run what it wrote, nor make devices.
constexpr std::uint64_t kChange =
    (kAllOfFirst | kRefer | kTruncate) & ~(kExecute | kMakeChar | kMakeBlock);
constexpr std::uint64_t kUse = kReadFile | kReadDir | kWriteFile | kTruncate | kIoctlDev;

struct Grant {
  std::string path;
  std::uint64_t rights;
};

/// What programs and libraries of the system need.
constexpr std::array kSystemRun{"/usr", "/bin", "/sbin", "/lib", "/lib64"};
constexpr std::array kSystemRead{"/proc",
                                 "/sys",
                                 "/etc/ld.so.cache",
                                 "/etc/ld.so.preload",
                                 "/etc/passwd",
                                 "/etc/group",
                                 "/etc/hosts",
                                 "/etc/resolv.conf",
                                 "/etc/nsswitch.conf",
                                 "/etc/localtime",
                                 "/etc/host.conf",
                                 "/etc/gai.conf",
                                 "/etc/services",
                                 "/etc/protocols",
                                 "/etc/ssl",
                                 "/etc/mke2fs.conf",
                                 "/etc/os-release",
                                 "/etc/alternatives"};
constexpr std::array kSystemUse{"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                                "/dev/urandom"};

std::vector<Grant> GrantsOf(SandboxOptions const& options) {
  std::vector<Grant> grants;
  auto const add = [&](auto const& paths, std::uint64_t rights) {
    for (auto const& path : paths)
      grants.push_back({path, rights});
  };
  add(kSystemRun, kLook | kExecute);
  add(kSystemRead, kLook);
  add(kSystemUse, kUse);
  std::error_code unknown;
  auto const binaries = std::filesystem::read_symlink("/proc/self/exe", unknown).parent_path();
  grants.push_back({binaries.string(), kLook | kExecute});
  grants.push_back({(binaries.parent_path() / "guest").string(), kLook});
  grants.push_back({std::filesystem::path(options.file).parent_path().string(), kLook});
  add(std::array{options.state_dir, options.run_dir}, kChange);
  add(options.rights.read, kLook);
  add(options.rights.write, kChange);
  add(options.rights.devices, kUse);
  return grants;
}

/// A path that is not there is not reachable; one that is made later neither.
Result<void> Allow(int ruleset, Grant const& grant, std::uint64_t handled) {
  sys::UniqueFd const place(::open(grant.path.c_str(), O_PATH | O_CLOEXEC));
  if (!place) return {};
  struct stat info {};
  if (::fstat(place.get(), &info) != 0) return sys::Fail("look at", grant.path);
  auto rights = grant.rights & handled;
  if (!S_ISDIR(info.st_mode)) rights &= kOnFiles;
  if (rights == 0) return {};
  Beneath const rule{rights, place.get()};
  if (::syscall(SYS_landlock_add_rule, ruleset, kPathBeneath, &rule, 0) != 0)
    return sys::Fail("allow", grant.path);
  return {};
}

Ruleset RulesetOf(long version) {
  Ruleset ruleset;
  ruleset.files = kAllOfFirst;
  if (version > 1) ruleset.files |= kRefer;
  if (version >= kTruncateSince) ruleset.files |= kTruncate;
  if (version >= kIoctlSince) ruleset.files |= kIoctlDev;
  if (version >= kScopesSince) ruleset.scopes = kScopeAbstractSocket | kScopeSignal;
  return ruleset;
}

}  // namespace

Result<void> ConfineFiles(SandboxOptions const& options, std::vector<std::string>& gaps) {
  auto const version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kAskVersion);
  if (version <= 0) {
    gaps.emplace_back("files are not confined: this kernel has no Landlock");
    return {};
  }
  if (version < kScopesSince)
    gaps.push_back(fmt::format(
        "signals to other processes are not confined: Landlock {} of this kernel is too old",
        version));
  auto const wanted = RulesetOf(version);
  // An older kernel refuses what it does not know, even where it is zero, so it gets less of it.
  auto const size = version < kScopesSince ? sizeof wanted.files : sizeof wanted;
  sys::UniqueFd const ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &wanted, size, 0)));
  if (!ruleset) return sys::Fail("make", "Landlock rules");
  for (auto const& grant : GrantsOf(options)) {
    if (!grant.path.empty()) TRELLIS_CHECK(Allow(ruleset.get(), grant, wanted.files));
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0)
    return sys::Fail("enter", "Landlock rules");
  return {};
}

}  // namespace trellis::plugin_host
