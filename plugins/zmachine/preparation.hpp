// The way from a workload to a launch description: network, image, root, disks, boot files.
#pragma once

#include "plugins/zmachine/data.hpp"
#include "plugins/zmachine/guest_config.hpp"
#include "plugins/zmachine/launch.hpp"
#include "plugins/zmachine/machine_files.hpp"
#include "plugins/zmachine/resources.hpp"
#include "plugins/zmachine/settings.hpp"

#include <trellis/sdk.hpp>

#include <map>
#include <string>
#include <vector>

namespace trellis::plugins::zmachine {

/// Refuses what this node never can give, before anything is made. Texts are part of the interface.
Result<void> CheckRequest(Host const& host, Call const& call, Settings const& settings,
                          Machine const& data);

/// `<twin>-<contract>-<name>` of another workload of the same deployment.
std::string SiblingId(std::string_view workload_id, std::string_view name);

/// One run of the steps; each is right → skip, wrong → fix, missing → create, named from the id.
/// Used once, by one thread, under the machine's lock.
class Preparation {
 public:
  Preparation(Host const& host, Call const& call, Settings const& settings,
              Workload<Machine> const& workload, MachineFiles files);

  /// All steps in order. The launch description is returned, not written.
  Result<Launch> Run();

 private:
  Result<void> AttachNetwork();
  Result<void> AttachPublic();
  Result<void> MountImage();
  Result<void> MakeRoot();
  Result<void> ReadImageDefaults(std::string const& root);
  Result<void> UseMounts();
  Result<void> UseMount(MachineMount const& mount, std::vector<GuestMount>& guest_mounts);
  Result<void> UseDisk(std::string const& name);
  Result<void> WriteRootDisk();
  Result<void> CopyBootFiles();
  Result<void> OwnBootFiles();
  Result<void> WriteCidata();
  [[nodiscard]] bool IsContainer() const;
  [[nodiscard]] std::string EffectiveEntrypoint() const;

  Host host_;
  Call const& call_;
  Settings const& settings_;
  Workload<Machine> const& workload_;
  Machine const& data_;
  std::string id_;
  MachineFiles files_;
  Resources resources_;
  services::FlistMount image_;
  std::string image_entrypoint_;
  std::map<std::string, std::string> image_env_;
  GuestConfig guest_;
  Launch launch_;
};

}  // namespace trellis::plugins::zmachine
