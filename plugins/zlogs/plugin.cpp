#include "plugins/common/data_only/provisioner.hpp"
#include "plugins/zlogs/data.hpp"

#include <trellis/sdk.hpp>

#include <memory>

namespace trellis::plugins::zlogs {

namespace {

class ZLogsPlugin {
 public:
  static constexpr std::uint16_t kThreading = TRL_THREADING_PARALLEL;
  static constexpr char const* kManifest = R"({"manifest":1,"name":"zlogs","version":"1.0.0",
    "summary":"streams of machine logs","license":"Apache-2.0",
    "services":{"provides":[],"requires":[],"wants":[]},
    "types":[{"name":"zlogs","sharable":false,"provision":false,"rank":600,"max_parallel":4,"update":false,"pause":false,"after":[]}],
    "permissions":[],"config":{"version":1,"schema":{"type":"object","additionalProperties":false}},
    "state":{"version":1}})";

  static Result<std::unique_ptr<ZLogsPlugin>> Create(Host host, Config const&) {
    auto plugin = std::make_unique<ZLogsPlugin>();
    TypeOptions options;
    options.rank = kRank;
    TRELLIS_CHECK(host.RegisterType<ZLogs>("zlogs", plugin->provisioner_, options));
    return plugin;
  }

 private:
  DataOnlyProvisioner<ZLogs, NoResult> provisioner_;
};

}  // namespace

}  // namespace trellis::plugins::zlogs

TRELLIS_PLUGIN(trellis::plugins::zlogs::ZLogsPlugin, "zlogs", "1.0.0")
