#include "plugins/zmount/provisioner.hpp"

namespace trellis::plugins::zmount {

using services::Disk;
using services::DiskRequest;
using services::kStorageDisk;

Result<Disk> ZMountProvisioner::Ask(Call& call, std::string_view method,
                                    Workload<ZMount> const& workload, std::uint64_t size) {
  return host_.CallService<Disk>(call, kStorageDisk, method,
                                 DiskRequest{std::string(workload.id), size});
}

Result<Outcome<ZMountResult>> ZMountProvisioner::Provision(Call& call,
                                                           Workload<ZMount> const& workload) {
  auto const size = workload.data.size;
  TRELLIS_TRY(auto const disk, Ask(call, "create", workload, size));
  // An update that was cut short left the old size.
  if (disk.size < size) TRELLIS_CHECK(Ask(call, "resize", workload, size));
  return Outcome<ZMountResult>(ZMountResult{std::string(workload.id)});
}

Result<Outcome<ZMountResult>> ZMountProvisioner::Update(Call& call,
                                                        Workload<ZMount> const& workload) {
  using Done = Outcome<ZMountResult>;
  auto const size = workload.data.size;
  TRELLIS_TRY(auto const disk, Ask(call, "lookup", workload, 0));
  if (size == disk.size) return Done::NoAction({std::string(workload.id)});
  if (size < disk.size) return Done::Unchanged("not safe to shrink a disk");
  if (!disk.claims.empty()) return Done::Unchanged("disk is mounted, please delete the VM first");
  auto const grown = Ask(call, "resize", workload, size);
  if (!grown) return Done::Unchanged(grown.error().message);
  return Done(ZMountResult{std::string(workload.id)});
}

Result<void> ZMountProvisioner::Deprovision(Call& call, Workload<ZMount> const& workload) {
  TRELLIS_CHECK(host_.CallService<json::Nothing>(call, kStorageDisk, "delete",
                                                 DiskRequest{std::string(workload.id), 0}));
  return {};
}

Result<Observed> ZMountProvisioner::Inspect(Call& call, Workload<ZMount> const& workload) {
  auto const disk = Ask(call, "lookup", workload, 0);
  if (!disk && disk.error().code == Code::kNotFound) return Observed::Absent();
  TRELLIS_CHECK(disk);
  auto const wanted = workload.effective().size;
  if (disk->size < wanted)
    return Observed::Drifted(fmt::format("disk has {} bytes instead of {}", disk->size, wanted));
  return workload.paused ? Observed::Paused() : Observed::Running();
}

Result<std::vector<std::string>> ZMountProvisioner::ListOwned(Call& call) {
  TRELLIS_TRY(auto const list,
              host_.CallService<services::DiskList>(call, kStorageDisk, "list", json::Nothing{}));
  std::vector<std::string> ids;
  for (auto const& disk : list.disks) {
    if (!disk.owner.starts_with('@')) ids.push_back(disk.owner);
  }
  return ids;
}

Result<void> ZMountProvisioner::Precheck(Call& call, PrecheckOp, Workload<ZMount> const& workload) {
  TRELLIS_TRY(auto const limits, host_.CallService<services::DiskLimits>(
                                     call, kStorageDisk, "limits", json::Nothing{}));
  if (workload.data.size <= limits.max_size) return {};
  if (limits.max_size == 0)
    return Fail(Code::kUnavailable, "no ssd pool of this node is usable now");
  return Fail(Code::kExhausted,
              "a disk of {} bytes is bigger than every ssd pool of this node (largest: "
              "{} bytes)",
              workload.data.size, limits.max_size);
}

}  // namespace trellis::plugins::zmount
