// The storage plugin: pools, and disks and volumes in them, for other plugins.
#include "plugins/storage/devices.hpp"
#include "plugins/storage/disks.hpp"
#include "plugins/storage/pools.hpp"
#include "plugins/storage/volumes.hpp"

#include <trellis/sdk.hpp>

#include <memory>

namespace trellis::plugins::storage {

namespace {

using json::Nothing;
using services::DiskClaim;
using services::DiskRequest;
using services::Reconcile;
using services::VolumeRequest;

// What a method without a reply answers.
Result<Nothing> Done(Result<void> done) {
  TRELLIS_CHECK(done);
  return Nothing{};
}

class StoragePlugin {
 public:
  static constexpr std::uint16_t kThreading = TRL_THREADING_PARALLEL;
  static constexpr char const* kManifest = R"({"manifest":1,"name":"storage","version":"1.0.0",
    "summary":"pools, disks and volumes","license":"Apache-2.0",
    "services":{"provides":["trellis.storage.device/1","trellis.storage.disk/1","trellis.storage.volume/1"],"requires":[],"wants":[]},
    "permissions":["fs.mount","fs.owner"],
    "config":{"version":1,"schema":{"type":"object","additionalProperties":false,"properties":{
      "pools":{"type":"array","default":[],"description":"where disks and volumes are placed; none: one ssd pool below the state directory",
        "items":{"type":"object","additionalProperties":false,"required":["name","path"],"properties":{
          "name":{"type":"string"},"path":{"type":"string"},"type":{"type":"string","enum":["ssd","hdd"],"default":"ssd"},
          "size":{"type":"integer","minimum":0,"default":0},"reserve":{"type":"integer","minimum":0,"default":0},
          "lend":{"type":"boolean","default":false}}}},
      "hdd_from_ssd":{"type":"boolean","default":false,"description":"without an hdd pool: offer a part of the first ssd pool as hdd"},
      "zdb_size":{"type":"integer","minimum":0,"default":0,"description":"that part in bytes; 0: half of the pool"},
      "disk_fs":{"type":"string","enum":["btrfs","ext4"],"default":"btrfs"},
      "disk_user":{"type":"string","default":"libvirt-qemu"}}}},
    "state":{"version":1}})";

  StoragePlugin(Host host, StorageConfig config, Pools pools)
      : host_(host),
        config_(std::move(config)),
        pools_(std::move(pools)),
        disks_(host, config_, pools_, placement_),
        volumes_(pools_, placement_),
        devices_(pools_, placement_) {}

  static Result<std::unique_ptr<StoragePlugin>> Create(Host host, Config const& config) {
    TRELLIS_TRY(auto settings, config.As<StorageConfig>());
    TRELLIS_TRY(auto pools, Pools::Configure(settings, host.state_dir()));
    auto plugin = std::make_unique<StoragePlugin>(host, std::move(settings), std::move(pools));
    TRELLIS_CHECK(plugin->Register());
    return plugin;
  }

  Result<void> Start(Call&) {
    pools_.Mount();
    for (auto const& pool : pools_.list()) {
      if (pool.usable()) continue;
      host_.Error("pool is not usable", {{"pool", json::Encode(pool.config.name)},
                                         {"reason", json::Encode(pool.problem)}});
    }
    return {};
  }

  Result<std::string> Health(Call&) {
    boost::json::array checks;
    for (auto const& pool : pools_.list()) {
      checks.push_back(
          {{"name", "pool " + pool.config.name}, {"ok", pool.usable()}, {"message", pool.problem}});
    }
    return boost::json::serialize(boost::json::object{{"checks", std::move(checks)}});
  }

 private:
  Result<void> Register() {
    TRELLIS_CHECK(host_.RegisterService(services::kStorageDisk, DiskMethods()));
    TRELLIS_CHECK(host_.RegisterService(services::kStorageVolume, VolumeMethods()));
    TRELLIS_CHECK(host_.RegisterService(services::kStorageDevice, DeviceMethods()));
    TRELLIS_CHECK(host_.AddProvider("pools", "pools", "",
                                    [this](Call&, std::string_view) -> Result<std::string> {
                                      return json::Dump(pools_.Uses());
                                    }));
    return host_.AddProvider("capacity", "pools", "",
                             [this](Call&, std::string_view) -> Result<std::string> {
                               return json::Dump(pools_.Total());
                             });
  }

  ServiceTable DiskMethods() {
    using services::Disk;
    ServiceTable table;
    table.Add<DiskRequest, Disk>("create",
                                 [this](Call&, auto const& r) { return disks_.Create(r); });
    table.Add<DiskRequest, Disk>("lookup",
                                 [this](Call&, auto const& r) { return disks_.Lookup(r.owner); });
    table.Add<DiskRequest, Disk>("resize",
                                 [this](Call&, auto const& r) { return disks_.Resize(r); });
    table.Add<services::DiskFormat, Disk>(
        "format", [this](Call&, auto const& r) { return disks_.Format(r); });
    table.Add<services::DiskImage, Disk>(
        "write_image", [this](Call& call, auto const& r) { return disks_.WriteImage(call, r); });
    table.Add<DiskClaim, Disk>("claim", [this](Call&, auto const& r) { return disks_.Claim(r); });
    table.Add<DiskClaim, Nothing>("unclaim",
                                  [this](Call&, auto const& r) { return Done(disks_.Unclaim(r)); });
    table.Add<DiskRequest, Nothing>(
        "delete", [this](Call&, auto const& r) { return Done(disks_.Delete(r.owner)); });
    table.Add<Nothing, services::DiskList>("list",
                                           [this](Call&, auto const&) { return disks_.List(); });
    table.Add<Nothing, services::DiskLimits>(
        "limits",
        [this](Call&, auto const&) -> Result<services::DiskLimits> { return disks_.Limits(); });
    table.Add<Reconcile, Nothing>(
        "reconcile", [this](Call&, auto const& r) { return Done(disks_.Release(r.owners)); });
    return table;
  }

  ServiceTable VolumeMethods() {
    using services::Volume;
    ServiceTable table;
    table.Add<VolumeRequest, Volume>("create",
                                     [this](Call&, auto const& r) { return volumes_.Create(r); });
    table.Add<VolumeRequest, Volume>("update",
                                     [this](Call&, auto const& r) { return volumes_.Update(r); });
    table.Add<VolumeRequest, Volume>("lookup",
                                     [this](Call&, auto const& r) { return volumes_.Lookup(r); });
    table.Add<VolumeRequest, Nothing>(
        "delete", [this](Call&, auto const& r) { return Done(volumes_.Delete(r)); });
    table.Add<Nothing, services::VolumeList>(
        "list", [this](Call&, auto const&) { return volumes_.List(); });
    table.Add<Reconcile, Nothing>(
        "reconcile", [this](Call&, auto const& r) { return Done(volumes_.Release(r.owners)); });
    return table;
  }

  ServiceTable DeviceMethods() {
    using services::Device;
    using services::DeviceRequest;
    ServiceTable table;
    table.Add<DeviceRequest, Device>("allocate",
                                     [this](Call&, auto const& r) { return devices_.Allocate(r); });
    table.Add<DeviceRequest, Device>(
        "lookup", [this](Call&, auto const& r) { return devices_.Lookup(r.owner); });
    table.Add<DeviceRequest, Nothing>(
        "release", [this](Call&, auto const& r) { return Done(devices_.Release(r.owner)); });
    table.Add<Nothing, services::DeviceList>(
        "list", [this](Call&, auto const&) { return devices_.List(); });
    // Only plugins own devices, and those leases stay until their owner gives them back.
    table.Add<Reconcile, Nothing>("reconcile",
                                  [](Call&, auto const&) -> Result<Nothing> { return Nothing{}; });
    return table;
  }

  Host host_;
  StorageConfig config_;
  Pools pools_;
  std::mutex placement_;
  Disks disks_;
  Volumes volumes_;
  Devices devices_;
};

}  // namespace

}  // namespace trellis::plugins::storage

TRELLIS_PLUGIN(trellis::plugins::storage::StoragePlugin, "storage", "1.0.0")
