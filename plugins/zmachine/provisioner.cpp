#include "plugins/zmachine/provisioner.hpp"

#include "plugins/zmachine/preparation.hpp"

#include <poll.h>

#include <algorithm>
#include <set>
#include <utility>

namespace trellis::plugins::zmachine {
namespace {

constexpr std::chrono::seconds kUndoLimit{60};

}  // namespace

bool MachineProvisioner::IsHealthy(std::string const& id, Launch const& launch) {
  auto const domain = machines_->hypervisor().Find(id);
  return domain && domain->state != Domain::State::kEnding &&
         machines_->Problem(launch, *domain).empty();
}

Result<Outcome<MachineResult>> MachineProvisioner::Provision(Call& call,
                                                             Workload<Machine> const& workload) {
  std::string const id(workload.id);
  TRELLIS_CHECK(CheckRequest(host_, call, settings_, workload.data));
  auto const hold = machines_->Lock(id);
  auto const before = machines_->Files(id).ReadLaunch();
  bool const first = !before && !call.replay() && !call.retry();
  auto const root = resources_.FindVolume(call, id) ? RootVolume::kKeep : RootVolume::kDelete;
  // Judged before the taps are made again: a machine never takes a new tap under the same name.
  bool const healthy = before && IsHealthy(id, *before);
  auto done = BringUp(call, workload, healthy);
  if (!done && before) {
    if (auto gone = LostNetwork(call, *before); !gone.empty())
      return Fail(done.error().code, "{}", gone);
  }
  if (done || !first) return done;
  OwnCall undo(host_, kUndoLimit, call.twin_id(), call.contract_id());
  if (auto const undone = Release(undo.call(), workload, root); !undone)
    host_.Warn("failed machine not removed wholly, the engine removes the rest",
               {{"id", json::Encode(id)}, {"error", json::Encode(undone.error().message)}});
  return done;
}

Result<Outcome<MachineResult>> MachineProvisioner::BringUp(Call& call,
                                                           Workload<Machine> const& workload,
                                                           bool healthy) {
  std::string const id(workload.id);
  auto const files = machines_->Files(id);
  TRELLIS_TRY(auto const launch, Preparation(host_, call, settings_, workload, files).Run());
  if (healthy && IsHealthy(id, launch)) {
    TRELLIS_CHECK(SetPaused(id, workload.paused));
    monitor_->Watch(id, workload.paused, /*fresh=*/false);
    return Outcome<MachineResult>::NoAction(launch.result);
  }
  TRELLIS_CHECK(call.Checkpoint());
  monitor_->Forget(id);
  TRELLIS_CHECK(machines_->hypervisor().Destroy(id));
  TRELLIS_CHECK(files.WriteLaunch(launch));
  call.Progress(900, "starting the machine");
  TRELLIS_CHECK(machines_->Start(launch, workload.paused));
  monitor_->Watch(id, workload.paused, /*fresh=*/true);
  return Outcome<MachineResult>(launch.result);
}

Result<void> MachineProvisioner::Deprovision(Call& call, Workload<Machine> const& workload) {
  auto const hold = machines_->Lock(std::string(workload.id));
  return Release(call, workload, RootVolume::kDelete);
}

Result<void> MachineProvisioner::StopDomain(Call const& call, std::string const& id,
                                            Launch const* launch) {
  bool const asks =
      settings_.shutdown_grace_s > 0 && launch != nullptr && launch->kind.starts_with("vm-");
  if (asks && machines_->hypervisor().Shutdown(id)) {
    for (std::uint32_t second = 0; second < settings_.shutdown_grace_s; ++second) {
      if (!machines_->hypervisor().Find(id)) return {};
      pollfd cancel{.fd = call.cancel_fd(), .events = POLLIN, .revents = 0};
      if (::poll(&cancel, 1, 1000) > 0) break;
    }
  }
  return machines_->hypervisor().Destroy(id);
}

Result<void> MachineProvisioner::Release(Call const& call, Workload<Machine> const& workload,
                                         RootVolume root) {
  std::string const id(workload.id);
  auto const files = machines_->Files(id);
  auto const launch = files.ReadLaunch();
  monitor_->Forget(id);
  // A running machine uses all the rest: nothing is taken away before it has stopped.
  TRELLIS_CHECK(StopDomain(call, id, launch ? &*launch : nullptr));
  Result<void> first;
  auto const keep = [&first](Result<void> done) {
    if (first && !done) first = std::move(done);
  };
  keep(resources_.Unmount(call, id, kRootSlot));
  keep(resources_.Unmount(call, id, kImageSlot));
  std::set<std::string> disks;
  for (auto const& mount : workload.effective().mounts)
    disks.insert(SiblingId(id, mount.name));
  if (launch) {
    for (auto const& disk : launch->disks)
      disks.insert(disk.owner);
  }
  for (auto const& disk : disks)
    keep(resources_.UnclaimDisk(call, disk, id));
  keep(resources_.Detach(call, id));
  if (root == RootVolume::kDelete) {
    keep(resources_.DeleteVolume(call, id));
    (void)host_.StoreRemove("root:" + id);
  }
  if (first) keep(files.Remove());
  return first;
}

Result<void> MachineProvisioner::SetPaused(std::string const& id, bool paused) {
  monitor_->SetPaused(id, paused);
  return paused ? machines_->hypervisor().Suspend(id) : machines_->hypervisor().Resume(id);
}

Result<void> MachineProvisioner::Pause(Call&, Workload<Machine> const& workload) {
  std::string const id(workload.id);
  auto const hold = machines_->Lock(id);
  return SetPaused(id, /*paused=*/true);
}

Result<void> MachineProvisioner::Resume(Call&, Workload<Machine> const& workload) {
  std::string const id(workload.id);
  auto const hold = machines_->Lock(id);
  return SetPaused(id, /*paused=*/false);
}

std::string MachineProvisioner::LostNetwork(Call const& call, Launch const& launch) {
  if (resources_.HasNetwork(call, launch.network)) return {};
  return fmt::format("network '{}' is gone", launch.network);
}

Result<Observed> MachineProvisioner::Inspect(Call& call, Workload<Machine> const& workload) {
  std::string const id(workload.id);
  auto const domain = machines_->hypervisor().Find(id);
  if (!domain && domain.error().code == Code::kNotFound) return Observed::Absent();
  if (!domain) return tl::unexpected<Error>(domain.error());
  auto const launch = machines_->Files(id).ReadLaunch();
  if (!launch) return Observed::Drifted("launch description is missing");
  auto problem = machines_->Problem(*launch, *domain);
  if (problem.empty()) problem = LostNetwork(call, *launch);
  if (!problem.empty()) return Observed::Drifted(std::move(problem));
  return domain->state == Domain::State::kPaused ? Observed::Paused() : Observed::Running();
}

Result<std::vector<std::string>> MachineProvisioner::ListOwned(Call&) {
  auto const known = machines_->Known();
  // Nothing was started since this boot, so there is nothing to open the driver for.
  if (known.empty() && !machines_->hypervisor().connected()) return std::vector<std::string>();
  std::set<std::string> ids(known.begin(), known.end());
  TRELLIS_TRY(auto const domains, machines_->hypervisor().List());
  for (auto const& domain : domains) {
    if (!domain.hash.empty()) ids.insert(domain.name);
  }
  return std::vector<std::string>(ids.begin(), ids.end());
}

Result<services::MachineInfo> MachineProvisioner::Describe(std::string const& id) {
  auto const launch = machines_->Files(id).ReadLaunch();
  if (!launch) return Fail(Code::kNotFound, "no machine '{}'", id);
  services::MachineInfo info;
  info.network = launch->network;
  info.console = launch->console;
  auto const domain = machines_->hypervisor().Find(id);
  if (!domain && domain.error().code != Code::kNotFound)
    return tl::unexpected<Error>(domain.error());
  info.state = "absent";
  if (!domain) return info;
  info.pid = machines_->PidOf(id);
  info.state = domain->state == Domain::State::kPaused ? "paused" : "running";
  if (!machines_->Problem(*launch, *domain).empty()) info.state = "failed";
  return info;
}

}  // namespace trellis::plugins::zmachine
