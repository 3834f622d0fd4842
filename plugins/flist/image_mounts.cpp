#include "plugins/flist/image_mounts.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/loop.hpp"
#include "plugins/common/posix/mounts.hpp"
#include "plugins/common/posix/programs.hpp"
#include "plugins/flist/rfs/mount_source.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include <algorithm>

namespace trellis::plugins::flist {

namespace {

constexpr unsigned long kFlags = MS_RDONLY | MS_NODEV | MS_NOSUID | MS_NOATIME;
constexpr std::string_view kProcess = "fs-";  // and the key
constexpr std::uint64_t kServerMemory = std::uint64_t{256} << 20;
constexpr std::uint32_t kServerFiles = 4096;
constexpr std::uint32_t kStopSeconds = 5;
constexpr std::chrono::seconds kServerLimit{30};
constexpr std::chrono::milliseconds kLookEvery{500};  // for a cancelled call
constexpr std::uint32_t kMaxStarts = 3;

// Whoever keeps processes may not have heard of its end yet.
bool Runs(std::int32_t pid) {
  UniqueFd const process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd ended{process.get(), POLLIN, 0};
  return process && ::poll(&ended, 1, 0) == 0;
}

// How often the server was started again since it was first asked for.
Result<std::uint32_t> CountStarts(Host const& host, std::string const& key) {
  TRELLIS_TRY(auto const processes, host.ListProcesses(std::string(kProcess) + key));
  return processes.empty() ? std::uint32_t{0} : processes.front().restarts;
}

}  // namespace

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

// From the table alone: a question to the mount itself waits for a server that hangs.
Result<std::optional<MountEntry>> ImageMounts::MountOf(std::string const& key) const {
  TRELLIS_TRY(auto mounts, ReadMounts());
  auto const target = RealPath(host_.run_dir() + "/ro") + "/" + key;
  std::optional<MountEntry> found;
  for (auto& mount : mounts) {
    if (mount.target == target) found = std::move(mount);
  }
  return found;
}

Result<bool> ImageMounts::IsServed(std::string const& key, MountEntry const& mount) const {
  if (mount.fs_type == "squashfs") return true;
  TRELLIS_TRY(auto const processes, host_.ListProcesses(std::string(kProcess) + key));
  return std::ranges::any_of(processes, [&](ProcessInfo const& process) {
    return mount.source == MountSourceOf(process.pid) && Runs(process.pid);
  });
}

Result<std::optional<std::uint64_t>> ImageMounts::ServedDevice(std::string const& key) const {
  TRELLIS_TRY(auto const mount, MountOf(key));
  if (!mount) return std::optional<std::uint64_t>();
  TRELLIS_TRY(bool const served, IsServed(key, *mount));
  return served ? std::optional(mount->device) : std::nullopt;
}

// Looks each time: a server that just came up may have replaced it.
Result<void> ImageMounts::Detach(std::string const& key) const {
  while (true) {
    TRELLIS_TRY(auto const mount, MountOf(key));
    if (!mount) return {};
    if (::umount2(TargetOf(key).c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
      return FailErrno("unmount '{}'", TargetOf(key));
  }
}

Result<MountedImage> ImageMounts::Ensure(Call& call, Image const& image) {
  auto const target = TargetOf(image.key);
  BusyKeys::Hold const alone(busy_, image.key);
  TRELLIS_TRY(auto const served, ServedDevice(image.key));
  if (served) return MountedImage{target, *served};
  TRELLIS_TRY(auto const left, MountOf(image.key));
  if (!left) TRELLIS_CHECK(MakeDirs(target, 0711));  // else its next server replaces it
  TRELLIS_CHECK(image.format == ImageFormat::kSquashfs
                    ? MountLoop(image.root, target, "squashfs", kFlags)
                    : StartServer(call, image));
  TRELLIS_TRY(auto const device, ServedDevice(image.key));
  if (!device) return Fail(Code::kUnavailable, "the mount of the image went again");
  return MountedImage{target, *device};
}

Result<void> ImageMounts::StartServer(Call& call, Image const& image) {
  TRELLIS_CHECK(MakeDirs(cache_, 0700));
  ProcessSpec spec;
  spec.argv = {program_,  "--image", image.root, "--target", TargetOf(image.key),
               "--cache", cache_,    "--confine"};
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
  auto served = AwaitServer(call, image.key);
  if (served) return {};
  if (auto const stopped = host_.StopProcess(call, name); !stopped)
    host_.Warn("file server not stopped", {{"error", json::Encode(stopped.error().message)}});
  TRELLIS_CHECK(Detach(image.key));
  return served;
}

// The kernel tells of each change of the mount table.
Result<void> ImageMounts::AwaitServer(Call& call, std::string const& key) {
  TRELLIS_TRY(auto const table, OpenFile("/proc/self/mountinfo", O_RDONLY));
  TRELLIS_TRY(auto const before, CountStarts(host_, key));
  auto const until = std::chrono::steady_clock::now() + kServerLimit;
  while (std::chrono::steady_clock::now() < until) {
    TRELLIS_TRY(auto const served, ServedDevice(key));
    if (served) return {};
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
  TRELLIS_TRY(auto const served, ServedDevice(key));
  TRELLIS_CHECK(served ? Unmount(target) : Detach(key));
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
