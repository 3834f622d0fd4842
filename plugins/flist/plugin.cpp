// The flist plugin: images of root file systems, fetched, unpacked and mounted for other plugins.
#include "plugins/flist/images.hpp"
#include "plugins/flist/leases.hpp"

#include <trellis/sdk.hpp>

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

Result<Nothing> Done(Result<void> done) {
  TRELLIS_CHECK(done);
  return Nothing{};
}

class FlistPlugin {
 public:
  static constexpr std::uint16_t kThreading = TRL_THREADING_PARALLEL;
  static constexpr char const* kManifest = R"({"manifest":1,"name":"flist","version":"1.0.0",
    "summary":"images as root file systems","license":"Apache-2.0",
    "services":{"provides":["trellis.image.flist/1"],"requires":[],"wants":[]},
    "permissions":["fs.mount","fs.owner","net.connect"],
    "config":{"version":1,"schema":{"type":"object","additionalProperties":false,"properties":{
      "root":{"type":"string","default":"","description":"cache directory; empty: the state directory"},
      "max_download":{"type":"integer","minimum":1,"default":8589934592},
      "max_unpacked":{"type":"integer","minimum":1,"default":68719476736},
      "cache_limit":{"type":"integer","minimum":0,"default":21474836480},
      "flist_map":{"type":"object","default":{},"additionalProperties":{"type":"string"},
        "description":"url prefix -> local path; the longest prefix counts"},
      "file_roots":{"type":"array","default":[],"items":{"type":"string"},
        "description":"directories that file urls and plain paths may point into"}}}},
    "state":{"version":1}})";

  FlistPlugin(Host host, FlistConfig config)
      : host_(host), config_(std::move(config)), images_(config_, Root()), leases_(host, images_) {}

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
    task_ = host_.After(kCollectEvery, kCollectEvery, [this] { Collect(); });
    return {};
  }

  Result<void> Stop(Call&) {
    host_.CancelTask(task_);
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
        "unmount", [this](Call&, auto const& r) { return Done(leases_.Unmount(r)); });
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

  void Collect() {
    auto const keys = leases_.KeysInUse();
    auto const done =
        keys ? images_.Collect(*keys) : Result<void>(tl::unexpected<Error>(keys.error()));
    if (!done) host_.Warn("unused images stay", {{"reason", json::Encode(done.error().message)}});
  }

  Host host_;
  FlistConfig config_;
  Images images_;
  Leases leases_;
  std::uint64_t task_ = 0;
};

}  // namespace

}  // namespace trellis::plugins::flist

TRELLIS_PLUGIN(trellis::plugins::flist::FlistPlugin, "flist", "1.0.0")
