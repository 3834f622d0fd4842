#include "plugins/zmachine/machines.hpp"

#include <net/if.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

namespace trellis::plugins::zmachine {
namespace {

namespace fs = std::filesystem;

std::int32_t ReadPid(fs::path const& path) {
  std::ifstream file(path);
  std::int32_t pid = 0;
  return file >> pid ? pid : 0;
}

bool IsAlive(std::int32_t pid) {
  return pid > 0 && (::kill(pid, 0) == 0 || errno == EPERM);
}

// The number of the file system behind a share; 0 when it does not answer.
std::uint64_t DeviceOf(LaunchShare const& share) {
  struct stat info {};
  return ::stat(share.path.c_str(), &info) == 0 ? std::uint64_t{info.st_dev} : 0;
}

}  // namespace

std::shared_ptr<std::mutex> Machines::MutexOf(std::string const& id) {
  std::lock_guard const lock(mutex_);
  std::erase_if(locks_, [](auto const& entry) { return entry.second.expired(); });
  auto& slot = locks_[id];
  auto mutex = slot.lock();
  if (mutex == nullptr) {
    mutex = std::make_shared<std::mutex>();
    slot = mutex;
  }
  return mutex;
}

Machines::Hold Machines::Lock(std::string const& id) {
  auto mutex = MutexOf(id);
  std::unique_lock lock(*mutex);
  return {std::move(mutex), std::move(lock)};
}

Machines::Hold Machines::TryLock(std::string const& id) {
  auto mutex = MutexOf(id);
  std::unique_lock lock(*mutex, std::try_to_lock);
  return {std::move(mutex), std::move(lock)};
}

Result<void> Machines::Start(Launch const& launch, bool paused) {
  TRELLIS_CHECK(hypervisor_->Create(DomainXml(launch, options_), paused));
  std::ofstream file(Files(launch.id).shares());
  for (auto const& share : launch.shares)
    file << DeviceOf(share) << '\n';
  return {};
}

// A file server holds on to the mount that it was started with, also when that is dead and another
// one is mounted in its place.
bool Machines::ShareIsReplaced(Launch const& launch) const {
  std::ifstream file(Files(launch.id).shares());
  return std::ranges::any_of(launch.shares, [&](LaunchShare const& share) {
    std::uint64_t device = 0;
    return file >> device && device != 0 && device != DeviceOf(share);
  });
}

std::string Machines::Problem(Launch const& launch, Domain const& domain) const {
  if (domain.hash != LaunchHash(launch)) return "launch description differs";
  if (ShareIsDead(launch, domain)) return "a file server of the machine has ended";
  for (auto const& interface : launch.interfaces) {
    if (::if_nametoindex(interface.tap.c_str()) == 0)
      return fmt::format("tap '{}' is missing", interface.tap);
  }
  if (domain.io_error) return "paused: I/O error";
  return {};
}

std::int32_t Machines::PidOf(std::string const& id) const {
  return ReadPid(fmt::format("{}/{}.pid", hypervisor_->pid_dir(), id));
}

// The driver keeps `<number of the run>-<start of the name>-fs<i>-fs.pid` for each share.
bool Machines::ShareIsDead(Launch const& launch, Domain const& domain) const {
  if (launch.shares.empty()) return false;
  if (ShareIsReplaced(launch)) return true;
  std::string const prefix = fmt::format("{}-", domain.id);
  std::error_code error;
  for (auto const& entry : fs::directory_iterator(hypervisor_->pid_dir(), error)) {
    std::string const name = entry.path().filename().string();
    if (!name.starts_with(prefix) || !name.ends_with("-fs.pid")) continue;
    if (!IsAlive(ReadPid(entry.path()))) return true;
  }
  return false;
}

}  // namespace trellis::plugins::zmachine
