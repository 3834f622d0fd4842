#include "plugins/zmount/data.hpp"
#include "plugins/zmount/provisioner.hpp"

#include <trellis/sdk.hpp>

#include <memory>

namespace trellis::plugins::zmount {

namespace {

constexpr std::uint32_t kRank = 100;

class ZMountPlugin {
 public:
  static constexpr std::uint16_t kThreading = TRL_THREADING_PARALLEL;
  static constexpr char const* kManifest = R"({"manifest":1,"name":"zmount","version":"1.0.0",
    "summary":"disks for machines","license":"Apache-2.0",
    "services":{"provides":[],"requires":["trellis.storage.disk/1"],"wants":[]},
    "types":[{"name":"zmount","sharable":false,"rank":100,"max_parallel":4,"update":true,"pause":false,"after":[]}],
    "permissions":[],"config":{"version":1,"schema":{"type":"object","additionalProperties":false}},
    "state":{"version":1}})";

  explicit ZMountPlugin(Host host) : provisioner_(host) {}

  static Result<std::unique_ptr<ZMountPlugin>> Create(Host host, Config const&) {
    auto plugin = std::make_unique<ZMountPlugin>(host);
    TypeOptions options;
    options.rank = kRank;
    TRELLIS_CHECK(host.RegisterType<ZMount>("zmount", plugin->provisioner_, options));
    return plugin;
  }

 private:
  ZMountProvisioner provisioner_;
};

}  // namespace

}  // namespace trellis::plugins::zmount

TRELLIS_PLUGIN(trellis::plugins::zmount::ZMountPlugin, "zmount", "1.0.0")
