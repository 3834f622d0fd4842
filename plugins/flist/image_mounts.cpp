#include "plugins/flist/image_mounts.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/loop.hpp"
#include "plugins/common/posix/mounts.hpp"
#include "plugins/common/posix/programs.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#include <algorithm>
#include <filesystem>

namespace trellis::plugins::flist {

namespace {

namespace fs = std::filesystem;

constexpr unsigned long kFlags = MS_RDONLY | MS_NODEV | MS_NOSUID | MS_NOATIME;
constexpr std::string_view kProcess = "fs-";  // and the key
constexpr std::uint64_t kServerMemory = std::uint64_t{256} << 20;
constexpr std::uint32_t kServerFiles = 4096;
constexpr std::uint32_t kStopSeconds = 5;
constexpr std::chrono::seconds kServerLimit{30};
constexpr std::chrono::milliseconds kLookEvery{500};  // for a cancelled call
constexpr std::uint32_t kMaxStarts = 3;

// Mounted and answering?
Result<bool> IsAlive(std::string const& target) {
  TRELLIS_TRY(auto const mount, FindMount(target));
  struct statfs info {};
  return mount.has_value() && ::statfs(target.c_str(), &info) == 0;
}

// Looks each time: a server that just came up may have replaced it.
Result<void> DetachStale(std::string const& target) {
  while (IsStale(target)) {
    if (::umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
      return FailErrno("unmount '{}'", target);
  }
  return {};
}

// How often the server was started again since it was first asked for.
Result<std::uint32_t> CountStarts(Host const& host, std::string const& key) {
  TRELLIS_TRY(auto const processes, host.ListProcesses(std::string(kProcess) + key));
  return processes.empty() ? std::uint32_t{0} : processes.front().restarts;
}

}  // namespace

bool IsStale(std::string const& target) {
  struct statfs info {};
  return ::statfs(target.c_str(), &info) != 0 && errno == ENOTCONN;
}

ImageMounts::ImageMounts(Host host, FlistConfig const& config, std::string cache)
    : host_(host),
      config_(config),
      cache_(std::move(cache)),
      program_(config.program.empty() ? OwnProgram("trellis-flistfs") : config.program) {}

std::string ImageMounts::TargetOf(std::string const& key) const {
  return host_.run_dir() + "/ro/" + key;
}

std::string ImageMounts::KeyOf(std::string_view process) {
  return std::string(process.substr(std::min(kProcess.size(), process.size())));
}

Result<std::string> ImageMounts::Ensure(Call& call, Image const& image) {
  auto target = TargetOf(image.key);
  BusyKeys::Hold const alone(busy_, image.key);
  TRELLIS_TRY(bool const alive, IsAlive(target));
  if (alive) return target;
  if (!IsStale(target)) TRELLIS_CHECK(MakeDirs(target, 0711));  // else its next server replaces it
  TRELLIS_CHECK(image.format == ImageFormat::kSquashfs
                    ? MountLoop(image.root, target, "squashfs", kFlags)
                    : StartServer(call, image, target));
  return target;
}

Result<void> ImageMounts::StartServer(Call& call, Image const& image, std::string const& target) {
  TRELLIS_CHECK(MakeDirs(cache_, 0700));
  ProcessSpec spec;
  spec.argv = {program_, "--image", image.root, "--target", target, "--cache", cache_, "--confine"};
  for (auto const& root : config_.file_roots) {
    spec.argv.emplace_back("--allow");
    spec.argv.push_back(root);
  }
  spec.cgroup = ProcessCgroup{kServerMemory, 0};
  spec.nofile = kServerFiles;
  spec.restart = "on-failure";  // one that ends by itself was unmounted
  spec.stop_timeout_s = kStopSeconds;
  auto const name = std::string(kProcess) + image.key;
  TRELLIS_CHECK(host_.EnsureProcess(call, name, spec));
  auto served = AwaitServer(call, image.key, target);
  if (served) return {};
  if (auto const stopped = host_.StopProcess(call, name); !stopped)
    host_.Warn("file server not stopped", {{"error", json::Encode(stopped.error().message)}});
  TRELLIS_CHECK(DetachStale(target));
  return served;
}

// The kernel tells of each change of the mount table.
Result<void> ImageMounts::AwaitServer(Call& call, std::string const& key,
                                      std::string const& target) {
  TRELLIS_TRY(auto const table, OpenFile("/proc/self/mountinfo", O_RDONLY));
  TRELLIS_TRY(auto const before, CountStarts(host_, key));
  auto const until = std::chrono::steady_clock::now() + kServerLimit;
  while (std::chrono::steady_clock::now() < until) {
    TRELLIS_TRY(bool const alive, IsAlive(target));
    if (alive) return {};
    TRELLIS_CHECK(call.Checkpoint());
    TRELLIS_TRY(auto const starts, CountStarts(host_, key));
    if (starts >= before + kMaxStarts) break;
    pollfd wait{table.get(), POLLPRI, 0};
    (void)::poll(&wait, 1, static_cast<int>(kLookEvery.count()));
  }
  return Fail(Code::kUnavailable, "the file server of the image does not come up; see its log");
}

Result<void> ImageMounts::Release(Call& call, std::string const& key) {
  auto const target = TargetOf(key);
  BusyKeys::Hold const alone(busy_, key);
  TRELLIS_CHECK(DetachStale(target));
  TRELLIS_CHECK(Unmount(target));
  TRELLIS_CHECK(host_.StopProcess(call, std::string(kProcess) + key));
  if (::rmdir(target.c_str()) != 0 && errno != ENOENT) return FailErrno("remove '{}'", target);
  return {};
}

Result<std::vector<std::string>> ImageMounts::Mounted() const {
  TRELLIS_TRY(auto const mounts, ReadMounts());
  auto const prefix = RealPath(host_.run_dir() + "/ro") + "/";
  std::vector<std::string> keys;
  for (auto const& mount : mounts) {
    if (mount.target.starts_with(prefix)) keys.push_back(mount.target.substr(prefix.size()));
  }
  TRELLIS_TRY(auto const processes, host_.ListProcesses(kProcess));
  for (auto const& process : processes)
    keys.push_back(process.name.substr(kProcess.size()));
  std::ranges::sort(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

}  // namespace trellis::plugins::flist
