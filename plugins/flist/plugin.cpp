// The flist plugin: images of root file systems, fetched, unpacked and mounted for other plugins.
#include "plugins/flist/images.hpp"
#include "plugins/flist/leases.hpp"
#include "plugins/flist/rfs/block_cache.hpp"

#include <trellis/sdk.hpp>

#include <array>
#include <chrono>
#include <memory>

namespace trellis::plugins::flist {

namespace {

using json::Nothing;
using services::FlistHash;
using services::FlistHashRequest;
using services::FlistLease;
using services::FlistLeases;
using services::FlistMount;
using services::FlistMountRequest;
using services::Reconcile;

constexpr std::chrono::hours kCollectEvery{1};
constexpr std::chrono::minutes kSweepEvery{1};
constexpr std::chrono::hours kBlocksAfter{1};
constexpr std::chrono::hours kBlocksEvery{24};
constexpr std::size_t kMaxBlocks = 200'000;  // files; 20 GiB of whole blocks are 40,000
constexpr std::chrono::seconds kRepairLimit{60};

Result<Nothing> Done(Result<void> const& done) {
  TRELLIS_CHECK(done);
  return Nothing{};
}

class FlistPlugin {
 public:
  static constexpr std::uint16_t kThreading = TRL_THREADING_PARALLEL;
  static constexpr char const* kManifest = R"({"manifest":1,"name":"flist","version":"1.0.0",
    "summary":"images as root file systems","license":"Apache-2.0",
    "services":{"provides":["trellis.image.flist/1"],"requires":[],"wants":[]},
    "permissions":["fs.mount","fs.owner","net.connect","process.spawn"],
    "config":{"version":1,"schema":{"type":"object","additionalProperties":false,"properties":{
      "root":{"type":"string","default":"","description":"cache directory; empty: the state directory"},
      "max_download":{"type":"integer","minimum":1,"default":8589934592},
      "max_unpacked":{"type":"integer","minimum":1,"default":68719476736},
      "ro_linger_s":{"type":"integer","minimum":0,"default":600,
        "description":"how long the mount of an image that nobody uses stays, seconds"},
      "block_age_days":{"type":"integer","minimum":1,"maximum":36500,"default":90,
        "description":"blocks of rfs images that were not read for so long are removed, days"},
      "block_limit":{"type":"integer","minimum":0,"default":21474836480,
        "description":"bytes of blocks of rfs images that are kept, whatever their age; 0: no limit"},
      "program":{"type":"string","default":"",
        "description":"file server of rfs images; empty: the one of this installation"},
      "cache_limit":{"type":"integer","minimum":0,"default":21474836480},
      "flist_map":{"type":"object","default":{},"additionalProperties":{"type":"string"},
        "description":"url prefix -> local path; the longest prefix counts"},
      "file_roots":{"type":"array","default":[],"items":{"type":"string"},
        "description":"directories that file urls and plain paths may point into"}}}},
    "state":{"version":1}})";

  FlistPlugin(Host host, FlistConfig config)
      : host_(host),
        config_(std::move(config)),
        images_(config_, Root()),
        mounts_(host, config_, Root() + "/blocks"),
        leases_(host, images_, mounts_) {}

  static Result<std::unique_ptr<FlistPlugin>> Create(Host host, Config const& config) {
    TRELLIS_TRY(auto settings, config.As<FlistConfig>());
    if (!settings.root.empty() && !settings.root.starts_with('/'))
      return Fail(Code::kInvalid, "root '{}' is not absolute", settings.root);
    auto plugin = std::make_unique<FlistPlugin>(host, std::move(settings));
    TRELLIS_CHECK(plugin->Register());
    return plugin;
  }

  Result<void> Start(Call&) {
    TRELLIS_CHECK(images_.Start());
    tasks_ = {host_.After(kCollectEvery, kCollectEvery, [this] { Collect(); }),
              host_.After(kSweepEvery, kSweepEvery, [this] { Sweep(); }),
              host_.After(kBlocksAfter, kBlocksEvery, [this] { CollectBlocks(); })};
    return host_.Subscribe("process.exited", [this](std::string_view, std::string_view event) {
      auto const process = json::Parse<ProcessInfo>(event);
      if (process && process->status != 0) Repair(mounts_.KeyOf(process->name));
    });
  }

  Result<void> Stop(Call&) {
    for (auto const task : tasks_)
      host_.CancelTask(task);
    return {};
  }

 private:
  [[nodiscard]] std::string Root() const {
    return config_.root.empty() ? host_.state_dir() : config_.root;
  }

  Result<void> Register() {
    ServiceTable table;
    table.Add<FlistMountRequest, FlistMount>(
        "mount", [this](Call& call, auto const& r) { return leases_.Mount(call, r); });
    table.Add<FlistLease, Nothing>(
        "unmount", [this](Call& call, auto const& r) { return Done(Unmount(call, r)); });
    table.Add<FlistHashRequest, FlistHash>("hash",
                                           [this](Call& call, auto const& r) -> Result<FlistHash> {
                                             TRELLIS_TRY(auto hash, images_.Hash(call, r.url));
                                             return FlistHash{std::move(hash)};
                                           });
    table.Add<Nothing, FlistLeases>("list", [this](Call&, auto const&) { return leases_.List(); });
    table.Add<Reconcile, Nothing>(
        "reconcile", [this](Call&, auto const& r) { return Done(leases_.Release(r.owners)); });
    return host_.RegisterService(services::kImageFlist, std::move(table));
  }

  Result<void> Unmount(Call& call, FlistLease const& lease) {
    TRELLIS_CHECK(leases_.Unmount(lease));
    if (config_.ro_linger_s > 0) return {};
    return leases_.ReleaseUnused(call, std::chrono::seconds(0));
  }

  void Collect() {
    auto keys = leases_.KeysInUse();
    auto const mounted = mounts_.Mounted();
    if (keys && mounted) keys->insert(mounted->begin(), mounted->end());
    auto const done =
        keys ? images_.Collect(*keys) : Result<void>(tl::unexpected<Error>(keys.error()));
    if (!done) host_.Warn("unused images stay", {{"reason", json::Encode(done.error().message)}});
  }

  // What the events missed, blocks beyond the limit, and mounts that nobody uses any more.
  void Sweep() {
    Repair("");
    TrimBlocks();
    OwnCall own(host_, kRepairLimit);
    auto const done = leases_.ReleaseUnused(own.call(), std::chrono::seconds(config_.ro_linger_s));
    if (!done)
      host_.Warn("unused mounts of images stay", {{"reason", json::Encode(done.error().message)}});
  }

  void Repair(std::string const& key) {
    OwnCall own(host_, kRepairLimit);
    leases_.Repair(own.call(), key);
  }

  // Only while an image is mounted can there be more of them.
  void TrimBlocks() {
    auto const mounted = mounts_.Mounted();
    if (config_.block_limit == 0 || (mounted && mounted->empty())) return;
    auto const removed = BlockCache::Trim(Root() + "/blocks", config_.block_limit, kMaxBlocks);
    if (!removed)
      host_.Warn("blocks beyond the limit stay",
                 {{"reason", json::Encode(removed.error().message)}});
    else if (*removed > 0)
      host_.Info("blocks beyond the limit removed", {{"blocks", *removed}});
  }

  void CollectBlocks() {
    auto const age = std::chrono::hours(24) * config_.block_age_days;
    auto const removed = BlockCache::RemoveOld(Root() + "/blocks", age);
    if (!removed)
      host_.Warn("old blocks stay", {{"reason", json::Encode(removed.error().message)}});
    else if (*removed > 0)
      host_.Info("old blocks removed", {{"blocks", *removed}});
  }

  Host host_;
  FlistConfig config_;
  Images images_;
  ImageMounts mounts_;
  Leases leases_;
  std::array<std::uint64_t, 3> tasks_{};
};

}  // namespace

}  // namespace trellis::plugins::flist

TRELLIS_PLUGIN(trellis::plugins::flist::FlistPlugin, "flist", "1.0.0")
