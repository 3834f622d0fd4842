// The effects of the workload type `zmachine`.
#pragma once

#include "plugins/zmachine/data.hpp"
#include "plugins/zmachine/machines.hpp"
#include "plugins/zmachine/monitor.hpp"
#include "plugins/zmachine/resources.hpp"
#include "plugins/zmachine/settings.hpp"

#include <trellis/sdk.hpp>
#include <trellis/services/vm.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::zmachine {

/// Thread-safe: one change of a machine at a time, different machines at once.
class MachineProvisioner {
 public:
  MachineProvisioner(Host const& host, Settings const& settings, Machines& machines,
                     Monitor& monitor)
      : host_(host),
        settings_(settings),
        machines_(&machines),
        monitor_(&monitor),
        resources_(host) {}

  Result<Outcome<MachineResult>> Provision(Call& call, Workload<Machine> const& workload);
  Result<void> Deprovision(Call& call, Workload<Machine> const& workload);
  /// kNotFound when the machine does not run.
  Result<void> Pause(Call& call, Workload<Machine> const& workload);
  Result<void> Resume(Call& call, Workload<Machine> const& workload);
  Result<Observed> Inspect(Call& call, Workload<Machine> const& workload);
  Result<std::vector<std::string>> ListOwned(Call& call);

  /// trellis.vm.machine/1 `inspect`: kNotFound for an unknown machine.
  Result<services::MachineInfo> Describe(std::string const& id);

 private:
  enum class RootVolume : std::uint8_t { kDelete, kKeep };

  Result<Outcome<MachineResult>> BringUp(Call& call, Workload<Machine> const& workload,
                                         bool healthy);
  /// Takes everything back that a machine holds; goes on after a failure and returns the first.
  Result<void> Release(Call const& call, Workload<Machine> const& workload, RootVolume root);
  Result<void> StopDomain(Call const& call, std::string const& id, Launch const* launch);
  Result<void> SetPaused(std::string const& id, bool paused);
  /// What to tell when the network of a machine was removed under it; "" = it is there.
  std::string LostNetwork(Call const& call, Launch const& launch);
  /// True when the machine runs as described.
  bool IsHealthy(std::string const& id, Launch const& launch);

  Host host_;
  Settings settings_;
  Machines* machines_;  // borrowed, outlives this
  Monitor* monitor_;    // borrowed, outlives this
  Resources resources_;
};

}  // namespace trellis::plugins::zmachine
