// network show, network access: private networks, and laptops on them.
#include "tools/cli/app.hpp"
#include "tools/cli/contracts.hpp"
#include "tools/cli/network_access.hpp"
#include "tools/cli/send.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace trellis::cli {
namespace {

struct Options {
  std::uint32_t twin = 0;
  std::string name;
  std::string user;
  std::uint64_t contract = 0;
  std::uint32_t node = 0;
  std::string endpoint;
  bool show = false;
  std::int64_t timeout_s = 600;
};

Result<void> Show(App const& app, Options const& options) {
  TRELLIS_TRY(auto const grid, GridDir::Open(app.dir));
  TRELLIS_TRY(auto control, ControlClient::Connect(grid.control_socket()));
  TRELLIS_TRY(auto const found,
              control.Call("local.network",
                           boost::json::object{{"twin", options.twin}, {"network", options.name}}));
  app.Print(found, boost::json::serialize(found));
  return {};
}

Result<grid::Workload*> NetworkIn(grid::Deployment& deployment, std::string const& name) {
  std::vector<std::string> networks;
  for (auto& workload : deployment.workloads) {
    if (workload.type != "network") continue;
    if (workload.name == name) return &workload;
    networks.push_back(workload.name);
  }
  return Fail(Code::kNotFound, "contract {} has no network '{}'; its networks: {}",
              deployment.contract_id, name,
              networks.empty() ? "none" : fmt::format("{}", fmt::join(networks, ", ")));
}

bool IsPrivate(IpAddress const& ip) {
  static std::vector<IpNet> const kPrivate{{IpAddress::V4({10, 0, 0, 0}), 8},
                                           {IpAddress::V4({172, 16, 0, 0}), 12},
                                           {IpAddress::V4({192, 168, 0, 0}), 16},
                                           {IpAddress::V4({100, 64, 0, 0}), 10}};
  return std::ranges::any_of(kPrivate, [&](auto const& net) { return net.Contains(ip); });
}

struct Addresses {
  std::vector<IpAddress> zos;
};
BOOST_DESCRIBE_STRUCT(Addresses, (), (zos))

/// The address of the node's relay; none when that is a name or nothing that others reach.
Result<IpAddress> RelayOfNode(BusClient& client) {
  TRELLIS_TRY(auto const twin, client.ledger().GetTwin(client.node_twin()));
  auto const relay = twin.relay.value_or("");
  auto const ip = IpAddress::Parse(relay.substr(0, relay.find(':')));
  constexpr std::uint8_t kLoopback = 127;
  return ip && ip->is_v4() && ip->bytes()[0] != kLoopback ? *ip : IpAddress();
}

/// Where laptops reach the node: its public address, else one of its own.
Result<std::string> AddressOfNode(App const& app, BusClient& client) {
  TRELLIS_TRY(auto const node, client.ledger().GetNode(client.node()));
  if (node.public_config.has_value()) {
    if (auto const ip = IpNet::Parse(node.public_config->ip4.ip); ip && !ip->empty())
      return ip->ip.ToString();
  }
  TRELLIS_TRY(auto const told, client.Call("zos.network.interfaces", "null"));
  Addresses addresses;
  TRELLIS_CHECK(json::Decode(told, addresses));
  TRELLIS_TRY(auto const relay, RelayOfNode(client));
  addresses.zos.push_back(relay);
  std::erase_if(addresses.zos, [](auto const& ip) { return !ip.is_v4(); });
  if (addresses.zos.empty())
    return Fail(Code::kNotFound, "node {} has no address that is known: name one with --endpoint",
                client.node());
  auto const open = std::ranges::find_if_not(addresses.zos, IsPrivate);
  if (open != addresses.zos.end()) return open->ToString();
  auto const first = addresses.zos.front().ToString();
  app.Progress(fmt::format(
      "{} is a private address; where the laptop cannot reach it, name another with --endpoint",
      first));
  return first;
}

Result<std::uint16_t> PortOf(BusClient& client, grid::Workload const& network) {
  TRELLIS_TRY(auto const data, json::ParseValue(network.data.OrNull()));
  auto const* const asked = data.as_object().if_contains("wireguard_listen_port");
  if (asked != nullptr && asked->is_number() && asked->to_number<std::uint16_t>() != 0)
    return asked->to_number<std::uint16_t>();
  if (!client.IsHere())
    return Fail(Code::kInvalid,
                "network '{}' leaves its port to the node: name it with --endpoint ADDRESS:PORT",
                network.name);
  TRELLIS_TRY(
      auto const told,
      client.control().Call("local.network", boost::json::object{{"twin", client.twin()},
                                                                 {"network", network.name}}));
  return told.at("wireguard_port").to_number<std::uint16_t>();
}

Result<std::string> EndpointOf(App const& app, BusClient& client, grid::Workload const& network,
                               std::string asked) {
  bool const whole = asked.find(':') != std::string::npos;
  if (asked.empty()) {
    TRELLIS_TRY(asked, AddressOfNode(app, client));
  }
  if (whole) return asked;
  TRELLIS_TRY(auto const port, PortOf(client, network));
  return fmt::format("{}:{}", asked, port);
}

Result<UserAccess> LastAccess(grid::Workload const& network) {
  TRELLIS_TRY(auto const accesses, AccessesOf(network));
  if (accesses.empty())
    return Fail(Code::kNotFound, "network '{}' has no access yet: run the command without --show",
                network.name);
  return accesses.back();
}

/// One deployment with a part of the network.
struct Part {
  std::unique_ptr<BusClient> client;
  grid::Deployment current;
  grid::Deployment next;
};

Result<Part> OpenPart(App const& app, Options const& options, std::uint32_t node,
                      std::uint64_t contract) {
  Part part;
  TRELLIS_TRY(part.client, OpenBus(app, options.user, node));
  TRELLIS_TRY(part.current, FetchDeployment(*part.client, contract));
  part.next = part.current;
  for (auto& workload : part.next.workloads)
    workload.result = {};
  return part;
}

/// The network's parts on other nodes, and in other deployments.
Result<std::vector<Part>> OtherParts(App const& app, Options const& options, Part const& first) {
  TRELLIS_TRY(auto const grid, GridDir::Open(app.dir));
  TRELLIS_TRY(auto const ledger, grid.OpenLedger());
  TRELLIS_TRY(auto const contracts,
              LiveContracts(ledger, first.client->node(), first.client->twin()));
  std::vector<Part> parts;
  for (auto const& contract : contracts) {
    if (contract.kind != ledger::ContractKind::kNode || contract.contract_id == options.contract)
      continue;
    auto part = OpenPart(app, options, contract.node_id, contract.contract_id);
    if (!part && part.error().code == Code::kNotFound) continue;  // a contract without deployment
    if (!part) return tl::unexpected<Error>(part.error());
    if (NetworkIn(part->next, options.name)) parts.push_back(*std::move(part));
  }
  return parts;
}

Result<void> Send(App const& app, Part& part, Options const& options) {
  auto const settled = SendUpdate(app, *part.client, std::move(part.next), part.current,
                                  std::chrono::seconds(options.timeout_s));
  if (settled) return {};
  return tl::unexpected<Error>(settled.error());
}

/// Lets one more laptop in: a peer on the node, a way to it on the others.
Result<UserAccess> LetIn(App const& app, Options const& options, Part& first) {
  TRELLIS_TRY(auto others, OtherParts(app, options, first));
  TRELLIS_TRY(auto* const network, NetworkIn(first.next, options.name));
  TRELLIS_TRY(auto const node, OpenKeyIn(*network));
  std::vector<grid::Workload const*> all{network};
  for (auto& part : others) {
    TRELLIS_TRY(auto const* const there, NetworkIn(part.next, options.name));
    all.push_back(there);
  }
  UserAccess access;
  access.node_id = first.client->node();
  access.private_key = NewAccessKeys().secret;
  TRELLIS_TRY(access.subnet, FreeSubnet(all));
  TRELLIS_CHECK(AddAccess(*network, access));
  TRELLIS_CHECK(Send(app, first, options));
  for (auto& part : others) {
    TRELLIS_TRY(auto* const there, NetworkIn(part.next, options.name));
    TRELLIS_TRY(bool const changed, AddRoute(*there, access.subnet, node));
    if (changed) TRELLIS_CHECK(Send(app, part, options));
  }
  return access;
}

Result<void> Access(App const& app, Options const& options) {
  TRELLIS_TRY(auto first, OpenPart(app, options, options.node, options.contract));
  TRELLIS_TRY(auto const* const network, NetworkIn(first.next, options.name));
  auto const before = *network;
  TRELLIS_TRY(auto const endpoint, EndpointOf(app, *first.client, before, options.endpoint));
  auto const access = options.show ? LastAccess(before) : LetIn(app, options, first);
  TRELLIS_CHECK(access);
  TRELLIS_TRY(auto const file, AccessFile(before, *access, endpoint));
  app.Print(
      boost::json::object{
          {"subnet", access->subnet.ToString()}, {"endpoint", endpoint}, {"wg_quick", file}},
      file);
  return {};
}

}  // namespace

void AddNetworkCommands(CLI::App& root, App& app) {
  auto* const network = root.add_subcommand("network", "private networks")->require_subcommand(1);
  auto options = std::make_shared<Options>();
  auto* const show =
      network->add_subcommand("show", "namespace and ranges of a network on this node");
  show->add_option("twin", options->twin, "twin that owns it")->required();
  show->add_option("name", options->name, "name of the network")->required();
  app.On(show, [&app, options] { return Show(app, *options); });
  auto* const access = network->add_subcommand(
      "access", "lets a laptop into a network; prints the file for wg-quick on it");
  access->add_option("contract", options->contract, "contract with the network")->required();
  access->add_option("name", options->name, "name of the network")->required();
  access->add_option("--node", options->node, "node of the grid (default: this machine's)");
  access->add_option("--user", options->user, "key that signs (default: user)");
  access->add_option("--endpoint", options->endpoint,
                     "ADDRESS or ADDRESS:PORT at which the laptop reaches the node");
  access->add_flag("--show", options->show, "the file of the last laptop that was let in, again");
  access->add_option("--timeout", options->timeout_s, "seconds to wait (default 600)");
  app.On(access, [&app, options] { return Access(app, *options); });
}

}  // namespace trellis::cli
