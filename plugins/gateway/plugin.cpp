// The gateway plugin: public names whose traffic goes to private backends.
#include "plugins/gateway/gateway.hpp"
#include "plugins/gateway/provisioner.hpp"
#include "plugins/gateway/route_service.hpp"

#include <trellis/sdk.hpp>
#include <trellis/services/proxy.hpp>

#include <memory>

namespace trellis::plugins::gateway {

namespace {

class GatewayPlugin {
 public:
  static constexpr std::uint16_t kThreading = TRL_THREADING_PARALLEL;
  static constexpr char const* kManifest = R"({"manifest":1,"name":"gateway","version":"1.0.0",
    "summary":"public names for private services","license":"Apache-2.0",
    "services":{"provides":["trellis.proxy.route/1"],
      "requires":["trellis.net.public/1","trellis.net.namespace/1"],"wants":[]},
    "types":[{"name":"gateway-name-proxy","sharable":false,"rank":800,"max_parallel":4,"update":false,"pause":true,"after":[]},
      {"name":"gateway-fqdn-proxy","sharable":false,"rank":810,"max_parallel":4,"update":false,"pause":true,"after":[]}],
    "permissions":["process.spawn","name.read","engine.report","net.connect","fs.read:/etc/trellis/certs",
      "command:zos.x.gateway."],
    "config":{"version":1,"schema":{"type":"object","additionalProperties":false,"properties":{
      "tls":{"type":"string","enum":["selfsigned","files","acme"],"default":"selfsigned",
        "description":"where certificates are from: the node's own authority, files, or orders of a public authority"},
      "acme":{"type":"object","additionalProperties":false,"default":{},"properties":{
        "directory":{"type":"string","default":"https://acme-v02.api.letsencrypt.org/directory","description":"URL of the authority"},
        "email":{"type":"string","default":"","description":"told to the authority"},
        "wildcard":{"type":"boolean","default":true,
          "description":"one certificate for all names of the node's domain, proved by DNS; else one for each, proved by HTTP"},
        "ca":{"type":"string","default":"","description":"file below /etc/trellis/certs: whom to trust for the directory instead of the system's authorities"}}},
      "wildcard_cert":{"type":"string","default":"",
        "description":"with files: chain and key of the node's domain, below /etc/trellis/certs"},
      "cert_dir":{"type":"string","default":"","description":"with files: <fqdn>.pem; empty: certs in the state directory"},
      "verify_dns":{"type":"boolean","default":true,"description":"an fqdn must point at the node"},
      "resolver":{"type":"string","default":"8.8.8.8:53","description":"name server that is asked for it"},
      "allow_loopback_backends":{"type":"boolean","default":false,"description":"for tests"},
      "threads":{"type":"integer","minimum":0,"maximum":64,"default":0,"description":"of the proxy; 0: CPUs, at most 4"},
      "max_connections":{"type":"integer","minimum":0,"default":0,"description":"of the proxy; 0: what its descriptors allow"},
      "max_conn_per_route":{"type":"integer","minimum":0,"default":0,"description":"connections and requests of a route at once; 0: no limit"},
      "forwarder":{"type":"string","default":"","description":"the program; empty: trellis-nnc beside the daemon's"},
      "listener":{"type":"string","default":"","description":"the program; empty: trellis-listen beside the daemon's"},
      "haproxy":{"type":"string","default":"haproxy","description":"the program"}}}},
    "state":{"version":1}})";

  GatewayPlugin(Host host, GatewayConfig config)
      : gateway_(host, std::move(config)), names_(gateway_), fqdns_(gateway_) {}

  static Result<std::unique_ptr<GatewayPlugin>> Create(Host host, Config const& config) {
    TRELLIS_TRY(auto settings, config.As<GatewayConfig>());
    auto plugin = std::make_unique<GatewayPlugin>(host, std::move(settings));
    TypeOptions name_options;
    name_options.rank = kNameRank;
    TRELLIS_CHECK(host.RegisterType<NameProxy>("gateway-name-proxy", plugin->names_, name_options));
    TypeOptions fqdn_options;
    fqdn_options.rank = kFqdnRank;
    TRELLIS_CHECK(host.RegisterType<FqdnProxy>("gateway-fqdn-proxy", plugin->fqdns_, fqdn_options));
    TRELLIS_CHECK(host.RegisterService(services::kProxyRoute, RouteMethods(plugin->gateway_)));
    TRELLIS_CHECK(plugin->AddCommands(host));
    return plugin;
  }

  Result<void> Start(Call& call) { return gateway_.Start(call); }
  Result<void> Stop(Call&) {
    gateway_.Stop();
    return {};
  }

 private:
  Result<void> AddCommands(Host host) {
    CommandOptions options;
    options.flags = TRL_COMMAND_LOCAL;
    options.name = "zos.x.gateway.list";
    TRELLIS_CHECK(host.AddCommand(options, [this](Call&, std::string_view) -> Result<std::string> {
      TRELLIS_TRY(auto const lines, gateway_.List());
      return json::Dump(lines);
    }));
    options.name = "zos.x.gateway.authority";
    TRELLIS_CHECK(host.AddCommand(options, [this](Call&, std::string_view) -> Result<std::string> {
      return json::Dump(gateway_.Authority());
    }));
    TRELLIS_CHECK(host.AddProvider("info", "route", "", [this](Call&, std::string_view request) {
      return gateway_.Info(request);
    }));
    TRELLIS_CHECK(host.AddProvider("health", "route", "", [this](Call&, std::string_view request) {
      return gateway_.Health(request);
    }));
    TRELLIS_CHECK(host.AddProvider("metrics", "routes", "",
                                   [this](Call&, std::string_view) -> Result<std::string> {
                                     TRELLIS_TRY(auto const families, gateway_.Metrics());
                                     return json::Dump(families);
                                   }));
    return host.AddProvider("consumption", "routes", "",
                            [this](Call&, std::string_view) -> Result<std::string> {
                              TRELLIS_TRY(auto const readings, gateway_.Consumption());
                              return json::Dump(readings);
                            });
  }

  Gateway gateway_;
  RouteProvisioner<NameProxy> names_;
  RouteProvisioner<FqdnProxy> fqdns_;
};

}  // namespace

}  // namespace trellis::plugins::gateway

TRELLIS_PLUGIN(trellis::plugins::gateway::GatewayPlugin, "gateway", "1.0.0")
