// The machines of this node as running things: start, stop, look. Shared by provisioner and
// monitor.
#pragma once

#include "plugins/zmachine/domain_xml.hpp"
#include "plugins/zmachine/hypervisor.hpp"
#include "plugins/zmachine/machine_files.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::zmachine {

/// Thread-safe. Whoever changes a machine holds its lock.
class Machines {
 public:
  struct Folders {
    std::string state_dir;
    std::string run_dir;
  };

  Machines(Hypervisor& hypervisor, Folders folders, DomainOptions options)
      : hypervisor_(&hypervisor), folders_(std::move(folders)), options_(std::move(options)) {}

  /// Holds a machine for one change. Movable; gives the machine back at its end.
  class Hold {
   public:
    Hold(std::shared_ptr<std::mutex> mutex, std::unique_lock<std::mutex> lock)
        : mutex_(std::move(mutex)), lock_(std::move(lock)) {}
    [[nodiscard]] explicit operator bool() const { return lock_.owns_lock(); }

   private:
    std::shared_ptr<std::mutex> mutex_;  // shared by those who hold or wait; before lock_
    std::unique_lock<std::mutex> lock_;
  };
  [[nodiscard]] Hold Lock(std::string const& id);
  /// False in a boolean context when somebody else holds it.
  [[nodiscard]] Hold TryLock(std::string const& id);

  Result<void> Start(Launch const& launch, bool paused);
  /// What is wrong with a running machine: "" = nothing.
  [[nodiscard]] std::string Problem(Launch const& launch, Domain const& domain) const;
  /// Process id of the emulator, 0 when unknown.
  [[nodiscard]] std::int32_t PidOf(std::string const& id) const;
  /// True when a share of this run has lost its file server or what that shows.
  [[nodiscard]] bool ShareIsDead(Launch const& launch, Domain const& domain) const;

  [[nodiscard]] MachineFiles Files(std::string_view id) const {
    return {folders_.state_dir, folders_.run_dir, id};
  }
  /// Machines that were started since the node's boot.
  [[nodiscard]] std::vector<std::string> Launched() const {
    return ListFolders(folders_.run_dir, "launch.json");
  }
  /// Machines that have files here.
  [[nodiscard]] std::vector<std::string> Known() const {
    return ListFolders(folders_.state_dir, "console.log");
  }
  [[nodiscard]] Hypervisor& hypervisor() const { return *hypervisor_; }
  /// Before the first Start only.
  void UseAccel(Accel accel) { options_.accel = accel; }

 private:
  std::shared_ptr<std::mutex> MutexOf(std::string const& id);
  [[nodiscard]] bool ShareIsReplaced(Launch const& launch) const;

  Hypervisor* hypervisor_;  // borrowed, outlives this
  Folders folders_;
  DomainOptions options_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<std::mutex>> locks_;  // guarded by mutex_
};

}  // namespace trellis::plugins::zmachine
