// A node in miniature for machines: a network namespace of its own with one tap, the storage,
// zmount, flist and zmachine plugins, and the example machine's root.
#pragma once

#include "tests/support/fake_host.hpp"

#include <trellis/services/net.hpp>
#include <trellis/services/vm.hpp>

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::testing {

/// What a machine may take to do something, also one that is emulated on a busy node.
inline constexpr std::chrono::seconds kBootTime{240};

inline constexpr char const* kMachineId = "7-100-vm1";
inline constexpr char const* kDiskId = "7-100-data";
inline constexpr char const* kMachineIp = "10.20.2.5";

/// One lab per test process: the process moves into a namespace that ends with it.
class MachineLab {
 public:
  MachineLab();
  ~MachineLab();
  MachineLab(MachineLab const&) = delete;
  MachineLab& operator=(MachineLab const&) = delete;
  MachineLab(MachineLab&&) = delete;
  MachineLab& operator=(MachineLab&&) = delete;

  /// The plugins that machines need, and a disk of 64 MiB. Images may be below `file_root`, or are
  /// the example machine's root.
  Result<void> LoadOthers(std::string const& file_root = {});
  /// `more`: further configuration keys, beginning with a comma.
  Result<void> LoadMachines(std::string_view more = "");
  [[nodiscard]] FakeHost& host() { return host_; }
  /// The twin removes its network, or makes it again.
  void SetNetwork(bool there) { network_ = there; }
  /// Data of the example machine with its disk at /data.
  [[nodiscard]] static std::string MachineData(std::string_view entrypoint = "");
  [[nodiscard]] static CallOptions Options();
  /// Body of a GET from the machine, tried again until `limit`; "" when it never answered.
  [[nodiscard]] static std::string Get(std::string_view path, std::chrono::seconds limit);
  /// False when the plugin has reported no failed machine until `limit`.
  [[nodiscard]] bool WaitForReport(std::chrono::seconds limit);
  /// False when the machine has no other process than `pid` until `limit`.
  [[nodiscard]] bool WaitForOtherPid(std::int32_t pid, std::chrono::seconds limit);
  /// Data processes are really started, in folders of libvirt that only this process sees.
  void AllowDaemons();
  Result<services::MachineInfo> Info();
  [[nodiscard]] std::string ConsoleLog() const;
  /// False when `text` is not on the console until `limit`.
  [[nodiscard]] bool WaitForConsole(std::string_view text, std::chrono::seconds limit) const;
  /// What is left of machines: mounts, taps, folders, volumes; "" = nothing.
  [[nodiscard]] std::string Leftovers();

 private:
  [[nodiscard]] Result<std::string> Attach(std::string_view method) const;
  [[nodiscard]] Result<std::string> FindNetwork() const;
  bool network_ = true;
  std::vector<pid_t> daemons_;
  FakeHost host_;
};

}  // namespace trellis::testing
