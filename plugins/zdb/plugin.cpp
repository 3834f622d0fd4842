#include "plugins/common/data_only/provisioner.hpp"
#include "plugins/zdb/data.hpp"

#include <trellis/sdk.hpp>

#include <memory>

namespace trellis::plugins::zdb {

namespace {

class ZdbPlugin {
 public:
  static constexpr std::uint16_t kThreading = TRL_THREADING_PARALLEL;
  static constexpr char const* kManifest = R"({"manifest":1,"name":"zdb","version":"1.0.0",
    "summary":"key-value namespaces","license":"Apache-2.0",
    "services":{"provides":[],"requires":[],"wants":[]},
    "types":[{"name":"zdb","sharable":false,"provision":false,"rank":700,"max_parallel":4,"update":true,"pause":false,"after":[]}],
    "permissions":[],"config":{"version":1,"schema":{"type":"object","additionalProperties":false}},
    "state":{"version":1}})";

  static Result<std::unique_ptr<ZdbPlugin>> Create(Host host, Config const&) {
    auto plugin = std::make_unique<ZdbPlugin>();
    TypeOptions options;
    options.rank = kRank;
    TRELLIS_CHECK(host.RegisterType<Zdb>("zdb", plugin->provisioner_, options));
    return plugin;
  }

 private:
  UpdatableDataOnlyProvisioner<Zdb, ZdbResult> provisioner_;
};

}  // namespace

}  // namespace trellis::plugins::zdb

TRELLIS_PLUGIN(trellis::plugins::zdb::ZdbPlugin, "zdb", "1.0.0")
