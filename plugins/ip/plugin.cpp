// The ip plugin: public addresses for machines.
#include "plugins/ip/provisioner.hpp"

#include <trellis/sdk.hpp>

#include <memory>

namespace trellis::plugins::ip {

namespace {

class IpPlugin {
 public:
  static constexpr std::uint16_t kThreading = TRL_THREADING_PARALLEL;
  static constexpr char const* kManifest = R"({"manifest":1,"name":"ip","version":"1.0.0",
    "summary":"public addresses for machines","license":"Apache-2.0",
    "services":{"provides":[],"requires":["trellis.net.public/1"],"wants":[]},
    "types":[{"name":"ip","sharable":false,"rank":410,"max_parallel":4,"update":false,"pause":true,"after":[]}],
    "permissions":["contract.read"],"config":{"version":1,"schema":{"type":"object","additionalProperties":false}},
    "state":{"version":1}})";

  explicit IpPlugin(Host const& host) : addresses_(host) {}

  static Result<std::unique_ptr<IpPlugin>> Create(Host host, Config const&) {
    auto plugin = std::make_unique<IpPlugin>(host);
    TypeOptions options;
    options.rank = kRank;
    TRELLIS_CHECK(host.RegisterType<PublicIp>("ip", plugin->addresses_, options));
    return plugin;
  }

 private:
  PublicIps addresses_;
};

}  // namespace

}  // namespace trellis::plugins::ip

TRELLIS_PLUGIN(trellis::plugins::ip::IpPlugin, "ip", "1.0.0")
