// A bare virtual machine for tests of /init: no daemon, no libvirt, a network namespace of its own.
#pragma once

#include "plugins/zmachine/guest_config.hpp"

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::tests {

/// Moves the test process into a new network namespace with a tap `tg0` (10.77.0.1/24).
bool EnterGuestNetwork();

/// One machine: its folder, its virtiofsd and its QEMU. All are gone with the object.
class GuestLab {
 public:
  GuestLab();
  ~GuestLab();
  GuestLab(GuestLab const&) = delete;
  GuestLab& operator=(GuestLab const&) = delete;
  GuestLab(GuestLab&&) = delete;
  GuestLab& operator=(GuestLab&&) = delete;

  /// The folder that is the guest's root file system, a copy of the example machine's.
  [[nodiscard]] std::filesystem::path Root() const { return folder_ / "root"; }
  /// Adds a disk with an empty btrfs whose file system is smaller than the disk.
  void AddGrownDisk();
  void Start(plugins::zmachine::GuestConfig const& config);
  /// Reads the console until it holds `text`; false after `limit` or when the machine has ended.
  bool WaitForConsole(std::string_view text, std::chrono::seconds limit);
  /// True when the machine ends by itself within `limit`.
  bool WaitForEnd(std::chrono::seconds limit);
  [[nodiscard]] std::string const& console() const { return console_; }

 private:
  bool ReadConsole(std::chrono::steady_clock::time_point end);

  std::filesystem::path folder_;
  std::vector<std::string> disks_;
  pid_t virtiofsd_ = 0;
  pid_t qemu_ = 0;
  int console_fd_ = -1;
  std::string console_;
};

/// One HTTP request to the guest's port 80; the whole answer, "" when there is none.
std::string Http(std::string const& address, std::string const& head, std::string const& body = "");

}  // namespace trellis::tests
