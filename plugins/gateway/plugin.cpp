#include "plugins/common/data_only/provisioner.hpp"
#include "plugins/gateway/data.hpp"

#include <trellis/sdk.hpp>

#include <memory>

namespace trellis::plugins::gateway {

namespace {

class GatewayPlugin {
 public:
  static constexpr std::uint16_t kThreading = TRL_THREADING_PARALLEL;
  static constexpr char const* kManifest = R"({"manifest":1,"name":"gateway","version":"1.0.0",
    "summary":"public names for private services","license":"Apache-2.0",
    "services":{"provides":[],"requires":[],"wants":[]},
    "types":[{"name":"gateway-name-proxy","sharable":false,"provision":false,"rank":800,"max_parallel":4,"update":false,"pause":false,"after":[]},
      {"name":"gateway-fqdn-proxy","sharable":false,"provision":false,"rank":810,"max_parallel":4,"update":false,"pause":false,"after":[]}],
    "permissions":[],"config":{"version":1,"schema":{"type":"object","additionalProperties":false}},
    "state":{"version":1}})";

  static Result<std::unique_ptr<GatewayPlugin>> Create(Host host, Config const&) {
    auto plugin = std::make_unique<GatewayPlugin>();
    TypeOptions name_options;
    name_options.rank = kNameRank;
    TRELLIS_CHECK(host.RegisterType<NameProxy>("gateway-name-proxy", plugin->name_, name_options));
    TypeOptions fqdn_options;
    fqdn_options.rank = kFqdnRank;
    TRELLIS_CHECK(host.RegisterType<FqdnProxy>("gateway-fqdn-proxy", plugin->fqdn_, fqdn_options));
    return plugin;
  }

 private:
  DataOnlyProvisioner<NameProxy, NameProxyResult> name_;
  DataOnlyProvisioner<FqdnProxy, FqdnProxyResult> fqdn_;
};

}  // namespace

}  // namespace trellis::plugins::gateway

TRELLIS_PLUGIN(trellis::plugins::gateway::GatewayPlugin, "gateway", "1.0.0")
