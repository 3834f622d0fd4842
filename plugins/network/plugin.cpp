// The network plugin: user networks, and machines on them.
#include "plugins/network/admin.hpp"
#include "plugins/network/engine.hpp"
#include "plugins/network/host_addresses.hpp"
#include "plugins/network/public_config.hpp"
#include "plugins/network/public_filter.hpp"

#include <trellis/sdk.hpp>

#include <memory>

namespace trellis::plugins::network {

namespace {

using json::Nothing;

constexpr std::uint32_t kRank = 300;

struct Interfaces {
  std::vector<IpAddress> zos;
  std::vector<IpAddress> ygg;
};
BOOST_DESCRIBE_STRUCT(Interfaces, (), (zos, ygg))

struct NetworkName {
  std::string network_name;
};
BOOST_DESCRIBE_STRUCT(NetworkName, (), (network_name))

// What a method without a reply answers.
Result<Nothing> Done(Result<void> done) {
  TRELLIS_CHECK(std::move(done));
  return Nothing{};
}

class NetworkPlugin {
 public:
  static constexpr std::uint16_t kThreading = TRL_THREADING_PARALLEL;
  static constexpr char const* kManifest = R"({"manifest":1,"name":"network","version":"1.0.0",
    "summary":"user networks and machines on them","license":"Apache-2.0",
    "services":{"provides":["trellis.net.attach/1","trellis.net.namespace/1","trellis.net.public/1"],"requires":[],"wants":[]},
    "types":[{"name":"network","sharable":true,"rank":300,"max_parallel":4,"update":true,"pause":false,"after":[]}],
    "permissions":["net.admin","net.namespace","process.spawn","command:zos.network.","command:zos.admin.","event:net.public."],
    "config":{"version":1,"schema":{"type":"object","additionalProperties":false,"properties":{
      "netns_dir":{"type":"string","default":"/run/netns","description":"where namespaces are mounted; one folder per node"},
      "uplink":{"type":"object","additionalProperties":false,"default":{},"properties":{
        "mode":{"type":"string","enum":["auto","veth","none"],"default":"auto","description":"how networks reach the outside; auto: veth"}}},
      "wireguard":{"type":"object","additionalProperties":false,"default":{},"properties":{
        "backend":{"type":"string","enum":["auto","kernel","userspace"],"default":"auto",
          "description":"who carries tunnels; auto: the kernel if it can, else wireguard-go"}}},
      "nameservers":{"type":"array","items":{"type":"string"},"default":["8.8.8.8","1.1.1.1","2001:4860:4860::8888"]},
      "smtp_block":{"type":"array","items":{"type":"integer","minimum":1,"maximum":65535},"default":[25,465,587],
        "description":"tcp ports that machines cannot reach outside"},
      "allow_ranges":{"type":"array","items":{"type":"string"},"default":[],
        "description":"ranges of user networks beside the private ones"},
      "public":{"type":"object","additionalProperties":false,"default":{},
        "description":"the segment that public addresses of machines are on","properties":{
        "parent":{"type":"string","default":"","description":"interface that is put into the bridge br-pub; none: the bridge alone; empty: no public addresses on this node"},
        "prefix6":{"type":"string","default":"","description":"IPv6 /64 of the segment; empty: what its router tells"},
        "router6":{"type":"string","default":"","description":"IPv6 router of the segment; empty: the one that tells"}}},
      "public_config":{"type":"object","additionalProperties":false,"default":{},
        "description":"instead of what the ledger says of the node, key by key","properties":{
        "ipv4":{"type":"string","default":"","description":"address and mask, as 185.206.122.31/24"},
        "gw4":{"type":"string","default":""},
        "ipv6":{"type":"string","default":""},
        "gw6":{"type":"string","default":""},
        "domain":{"type":"string","default":"","description":"names of gateway workloads are below it"}}}}}},
    "state":{"version":1}})";

  NetworkPlugin(Host host, NetworkConfig config)
      : host_(host), public_config_(host, config.public_config), engine_(host, std::move(config)) {}

  static Result<std::unique_ptr<NetworkPlugin>> Create(Host host, Config const& config) {
    TRELLIS_TRY(auto settings, config.As<NetworkConfig>());
    TRELLIS_CHECK(PublicConfig::Check(settings.public_config));
    TRELLIS_CHECK(PublicBridge::Check(settings.public_));
    auto plugin = std::make_unique<NetworkPlugin>(host, std::move(settings));
    TypeOptions options;
    options.rank = kRank;
    TRELLIS_CHECK(host.RegisterSharableType<Network>("network", plugin->engine_, options));
    TRELLIS_CHECK(host.RegisterService(services::kNetAttach, plugin->AttachMethods()));
    TRELLIS_CHECK(host.RegisterService(services::kNetNamespace, plugin->NamespaceMethods()));
    TRELLIS_CHECK(host.RegisterService(services::kNetPublic, plugin->PublicMethods()));
    // Clients take a node without it for one that has only the small networks without peers.
    TRELLIS_CHECK(host.AddProvider(
        "features", "features", "",
        [](Call&, std::string_view) -> Result<std::string> { return R"(["wireguard"])"; }));
    TRELLIS_CHECK(
        host.AddProvider("consumption", "public", "",
                         [raw = plugin.get()](Call&, std::string_view) -> Result<std::string> {
                           TRELLIS_TRY(auto const readings, raw->engine_.PublicTraffic());
                           return json::Dump(readings);
                         }));
    TRELLIS_CHECK(plugin->AddCommands());
    return plugin;
  }

  Result<void> Start(Call& call) {
    TRELLIS_CHECK(public_config_.Start());
    return engine_.Start(call);
  }

 private:
  ServiceTable AttachMethods() {
    ServiceTable table;
    table.Add<services::AttachPrivate, services::Attachment>(
        "private", [this](Call&, auto const& r) { return engine_.AttachPrivate(r); });
    table.Add<services::Detach, Nothing>(
        "detach", [this](Call&, auto const& r) { return Done(engine_.Detach(r)); });
    table.Add<Nothing, AttachmentList>(
        "list",
        [this](Call&, auto const&) -> Result<AttachmentList> { return engine_.Attachments(); });
    table.Add<services::Reconcile, Nothing>(
        "reconcile", [this](Call&, auto const& r) { return Done(engine_.Reconcile(r.owners)); });
    table.Add<services::AttachPublic, services::Attachment>(
        "public",
        [this](Call& call, auto const& r) { return engine_.AttachPublic(call.twin_id(), r); });
    for (auto const* overlay : {"planetary", "mycelium"}) {
      table.Add<Nothing, Nothing>(overlay, [](Call&, auto const&) -> Result<Nothing> {
        return Fail(Code::kUnsupported, "mycelium is not available on this node");
      });
    }
    return table;
  }

  ServiceTable NamespaceMethods() {
    ServiceTable table;
    table.Add<services::NamespaceLookup, services::NamespaceInfo>(
        "lookup", [this](Call&, auto const& r) { return engine_.Lookup(r); });
    return table;
  }

  ServiceTable PublicMethods() {
    ServiceTable table;
    table.Add<Nothing, services::PublicConfigInfo>(
        "config", [this](Call&, auto const&) -> Result<services::PublicConfigInfo> {
          return public_config_.Info();
        });
    table.Add<Nothing, services::PublicSupport>(
        "support", [this](Call&, auto const&) -> Result<services::PublicSupport> {
          return engine_.Support();
        });
    table.Add<Nothing, services::PublicPrefix>(
        "prefix6", [this](Call&, auto const&) { return engine_.Prefix6(); });
    AddFilterMethods(table);
    return table;
  }

  void AddFilterMethods(ServiceTable& table) {
    using Owner = services::PublicFilterOwner;
    using Owners = services::PublicFilterOwners;
    table.Add<services::PublicFilter, services::PublicFilterSet>(
        "filter_set", [this](Call&, auto const& r) { return engine_.FilterSet(r); });
    table.Add<Owner, Nothing>("filter_remove", [this](Call&, auto const& r) {
      return Done(engine_.FilterRemove(r.owner));
    });
    table.Add<Owner, services::PublicFilterInfo>(
        "filter_get", [this](Call&, auto const& r) { return engine_.FilterGet(r.owner); });
    table.Add<Owner, services::PublicFilterMac>(
        "filter_mac", [](Call&, auto const& r) -> Result<services::PublicFilterMac> {
          return services::PublicFilterMac{MacText(PublicMac(r.owner))};
        });
    table.Add<Owners, Owners>("filter_list", [this](Call&, auto const& r) -> Result<Owners> {
      return Owners{r.kind, engine_.FilterOwners(r.kind)};
    });
    table.Add<Owners, Nothing>(
        "filter_keep", [this](Call&, auto const& r) { return Done(engine_.FilterKeep(r)); });
  }

  template <class Function>
  Result<void> AddCommand(std::string name, std::uint32_t flags, Function function) {
    CommandOptions options;
    options.name = std::move(name);
    options.flags = flags;
    return host_.AddCommand(
        options, [function](Call&, std::string_view) -> Result<std::string> { return function(); });
  }

  Result<void> AddCommands() {
    TRELLIS_CHECK(
        AddCommand("zos.network.list_wg_ports", 0, [this] { return json::Dump(engine_.Ports()); }));
    TRELLIS_CHECK(AddCommand("zos.network.interfaces", 0, []() -> Result<std::string> {
      TRELLIS_TRY(auto addresses, ManagementAddresses());
      return json::Dump(Interfaces{std::move(addresses), {}});
    }));
    TRELLIS_CHECK(AddCommand("zos.network.has_ipv6", 0, []() -> Result<std::string> {
      TRELLIS_TRY(bool const found, HasPublicV6());
      return json::Dump(found);
    }));
    // This node carries no public namespace, so clients must not count on one.
    TRELLIS_CHECK(AddCommand("zos.network.public_config_get", 0, []() -> Result<std::string> {
      return Fail(Code::kNotFound, "no public configuration");
    }));
    TRELLIS_CHECK(AddAddressCommands());
    TRELLIS_CHECK(AddAdminCommands());
    CommandOptions teardown;
    teardown.name = "zos.network.teardown";
    teardown.flags = TRL_COMMAND_LOCAL;
    return host_.AddCommand(teardown, [this](Call& call, std::string_view) -> Result<std::string> {
      TRELLIS_CHECK(engine_.Teardown(call));
      return json::Dump(Nothing{});
    });
  }

  /// Clients look here before they choose an address.
  Result<void> AddAddressCommands() {
    CommandOptions options;
    options.name = "zos.network.list_private_ips";
    options.auth = TRL_AUTH_OWNER;
    TRELLIS_CHECK(host_.AddCommand(
        options, [this](Call& call, std::string_view payload) -> Result<std::string> {
          auto const asked = json::Parse<NetworkName>(payload);
          if (!asked)
            return Fail(Code::kDecode, "failed to decode input, expecting network_name: {}",
                        asked.error().message);
          return json::Dump(engine_.PrivateAddresses(call.twin_id(), asked->network_name));
        }));
    return AddCommand("zos.network.list_public_ips", 0,
                      [this] { return json::Dump(engine_.PublicAddresses()); });
  }

  /// For the farmer, under both names that clients use.
  Result<void> AddAdminCommands() {
    auto const add = [this](std::string const& name, std::uint32_t flags, CommandHandler handler) {
      CommandOptions options;
      options.name = "zos.admin." + name;
      options.aliases = {"zos.network.admin." + name};
      options.auth = TRL_AUTH_FARMER;
      options.flags = flags;
      return host_.AddCommand(options, std::move(handler));
    };
    TRELLIS_CHECK(add("interfaces", 0, [](Call&, std::string_view) -> Result<std::string> {
      TRELLIS_TRY(auto const nics, Nics());
      return json::Dump(nics);
    }));
    TRELLIS_CHECK(add("get_public_nic", 0, [this](Call&, std::string_view) -> Result<std::string> {
      return json::Dump(PublicNic::On(engine_.public_interface()));
    }));
    return add("set_public_nic", TRL_COMMAND_MUTATING,
               [](Call&, std::string_view payload) -> Result<std::string> {
                 TRELLIS_CHECK(SetPublicNic(payload));
                 return std::string("null");
               });
  }

  Host host_;
  PublicConfig public_config_;
  NetworkEngine engine_;
};

}  // namespace

}  // namespace trellis::plugins::network

TRELLIS_PLUGIN(trellis::plugins::network::NetworkPlugin, "network", "1.0.0")
