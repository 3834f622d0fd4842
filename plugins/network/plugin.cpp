// The network plugin: user networks, and machines on them.
#include "plugins/network/admin.hpp"
#include "plugins/network/engine.hpp"
#include "plugins/network/host_addresses.hpp"
#include "plugins/network/manifest.hpp"
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

std::string PublicNetns(NetworkConfig const& config) {
  return config.public_.own_namespace ? config.netns_dir + "/" + kPublicNamespace : std::string();
}

class NetworkPlugin {
 public:
  static constexpr std::uint16_t kThreading = TRL_THREADING_PARALLEL;
  static constexpr char const* kManifest = kManifestText;

  NetworkPlugin(Host host, NetworkConfig config)
      : host_(host),
        public_config_(host, config.public_config, PublicNetns(config)),
        engine_(host, std::move(config)) {}

  static Result<std::unique_ptr<NetworkPlugin>> Create(Host host, Config const& config) {
    TRELLIS_TRY(auto settings, config.As<NetworkConfig>());
    TRELLIS_CHECK(PublicConfig::Check(settings.public_config));
    TRELLIS_CHECK(PublicBridge::Check(settings.public_));
    TRELLIS_CHECK(NodeNetwork::Check(settings.uplink));
    auto plugin = std::make_unique<NetworkPlugin>(host, std::move(settings));
    TypeOptions options;
    options.rank = kRank;
    TRELLIS_CHECK(host.RegisterSharableType<Network>("network", plugin->engine_, options));
    TRELLIS_CHECK(host.RegisterService(services::kNetAttach, plugin->AttachMethods()));
    TRELLIS_CHECK(host.RegisterService(services::kNetNamespace, plugin->NamespaceMethods()));
    TRELLIS_CHECK(host.RegisterService(services::kNetPublic, plugin->PublicMethods()));
    TRELLIS_CHECK(host.RegisterService(services::kNetPorts, plugin->PortMethods()));
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
    TRELLIS_CHECK(engine_.Start(call));
    engine_.FollowPublicConfig(public_config_.Info().public_config);
    return public_config_.Start([this](auto const& config) { engine_.FollowPublicConfig(config); });
  }
  void Stop() { engine_.Stop(); }

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
    table.Add<services::NamespacePrepare, services::PreparedNamespace>(
        "prepare", [this](Call&, auto const& r) { return engine_.Prepare(r); });
    table.Add<services::NamespaceDestroy, Nothing>(
        "destroy", [this](Call&, auto const& r) { return Done(engine_.Destroy(r.owner)); });
    table.Add<Nothing, services::NamespaceLeases>(
        "list", [this](Call&, auto const&) -> Result<services::NamespaceLeases> {
          return engine_.PreparedNamespaces();
        });
    table.Add<services::Reconcile, Nothing>("reconcile", [this](Call&, auto const& r) {
      return Done(engine_.ReconcileNamespaces(r.owners));
    });
    return table;
  }

  ServiceTable PortMethods() {
    ServiceTable table;
    table.Add<Nothing, services::WireGuardPorts>(
        "wireguard", [this](Call&, auto const&) -> Result<services::WireGuardPorts> {
          return services::WireGuardPorts{engine_.Ports()};
        });
    table.Add<services::PortReserve, services::ReservedPort>(
        "reserve", [this](Call&, auto const& r) { return engine_.ReservePort(r); });
    table.Add<services::PortRelease, Nothing>(
        "release", [this](Call&, auto const& r) { return Done(engine_.ReleasePorts(r.owner)); });
    table.Add<Nothing, services::ReservedPorts>(
        "list", [this](Call&, auto const&) -> Result<services::ReservedPorts> {
          return engine_.Reservations();
        });
    table.Add<services::Reconcile, Nothing>("reconcile", [this](Call&, auto const& r) {
      return Done(engine_.ReconcilePorts(r.owners));
    });
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
    TRELLIS_CHECK(AddCommand("zos.network.interfaces", 0, [this]() -> Result<std::string> {
      TRELLIS_TRY(auto addresses, ManagementAddresses(engine_.management()));
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
      return json::Dump(PublicNic::On(engine_.PublicInterface()));
    }));
    return add("set_public_nic", TRL_COMMAND_MUTATING,
               [this](Call&, std::string_view payload) -> Result<std::string> {
                 TRELLIS_TRY(auto const nic, NicIn(payload));
                 TRELLIS_CHECK(engine_.SetPublicNic(nic));
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
