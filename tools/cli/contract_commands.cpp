// contract, farm ip, node: what is on the ledger, and what an operator confirms.
#include "tools/cli/app.hpp"
#include "tools/cli/contracts.hpp"
#include "tools/cli/control_client.hpp"
#include "tools/cli/grid_dir.hpp"

#include <fmt/format.h>

namespace trellis::cli {
namespace {

struct Options {
  std::string user;
  std::string hash;
  std::string data;
  std::string name;
  std::uint32_t ips = 0;
  std::uint64_t contract = 0;
  std::string action;
  std::string ip;
  std::string gateway;
  std::string ip6;
  std::string gateway6;
  std::string domain;
  bool clear = false;
};

/// Asks the running daemon.
Result<void> ConfirmOrphans(App const& app) {
  TRELLIS_TRY(auto const grid, GridDir::Open(app.dir));
  TRELLIS_TRY(auto control, ControlClient::Connect(grid.control_socket()));
  TRELLIS_CHECK(control.Call("local.orphans.confirm", nullptr));
  app.Print(boost::json::object{{"confirmed", true}},
            "confirmed: what the node's store does not know is removed within two minutes");
  return {};
}

struct Opened {
  GridDir grid;
  ledger::OpenedLedger ledger;
};

Result<Opened> Open(App const& app) {
  TRELLIS_TRY(auto grid, GridDir::Open(app.dir));
  TRELLIS_TRY(auto ledger, grid.OpenLedger());
  return Opened{std::move(grid), std::move(ledger)};
}

Result<ledger::Caller> CallerOf(GridDir const& grid, std::string const& user) {
  TRELLIS_TRY(auto const key, grid.FindKey(user));
  ledger::Caller caller;
  caller.twin = key.twin;
  return caller;
}

Result<ledger::Caller> FarmerOf(Opened const& opened) {
  TRELLIS_TRY(auto const farm, opened.ledger->GetFarm(opened.grid.settings().farm_id));
  ledger::Caller caller;
  caller.twin = farm.twin_id;
  caller.admin = true;
  return caller;
}

Result<void> Create(App const& app, Options const& options) {
  TRELLIS_TRY(auto const opened, Open(app));
  TRELLIS_TRY(auto const caller, CallerOf(opened.grid, options.user));
  ledger::Call call;
  if (!options.name.empty()) {
    call = ledger::CreateNameContract{options.name};
  } else {
    ledger::CreateNodeContract node;
    node.node = opened.grid.settings().node_id;
    node.hash = options.hash;
    node.data = options.data;
    node.public_ips = options.ips;
    call = node;
  }
  TRELLIS_TRY(auto const id, opened.ledger->Submit(caller, call));
  app.Print(boost::json::object{{"contract_id", id}}, fmt::format("contract {}", id));
  return {};
}

Result<void> Cancel(App const& app, Options const& options) {
  TRELLIS_TRY(auto const opened, Open(app));
  TRELLIS_TRY(auto const caller, CallerOf(opened.grid, options.user));
  TRELLIS_CHECK(opened.ledger->Submit(caller, ledger::CancelContract{options.contract}));
  app.Print(boost::json::object{{"contract_id", options.contract}, {"cancelled", true}},
            fmt::format("contract {} is cancelled", options.contract));
  return {};
}

Result<void> List(App const& app, Options const& options) {
  TRELLIS_TRY(auto const opened, Open(app));
  TRELLIS_TRY(auto const key, opened.grid.FindKey(options.user));
  TRELLIS_TRY(auto const contracts,
              LiveContracts(opened.ledger, opened.grid.settings().node_id, key.twin));
  boost::json::array list;
  std::string text =
      fmt::format("{:<9} {:<5} {:<13} {}\n", "contract", "kind", "state", "hash or name");
  for (auto const& contract : contracts) {
    list.push_back(json::Encode(contract));
    text += fmt::format("{:<9} {:<5} {:<13} {}\n", contract.contract_id, contract.kind.ToString(),
                        contract.state.ToString(),
                        contract.hash.empty() ? contract.name : contract.hash);
  }
  app.Print(list, text);
  return {};
}

Result<void> Grace(App const& app, Options const& options) {
  TRELLIS_TRY(auto const opened, Open(app));
  ledger::Caller admin;
  admin.admin = true;
  if (options.action != "start" && options.action != "end")
    return Fail(Code::kInvalid, "unknown action '{}': use start or end", options.action);
  ledger::Call const call = options.action == "start"
                                ? ledger::Call(ledger::StartGrace{options.contract})
                                : ledger::Call(ledger::EndGrace{options.contract});
  TRELLIS_CHECK(opened.ledger->Submit(admin, call));
  app.Print(
      boost::json::object{{"contract_id", options.contract}, {"grace", options.action == "start"}},
      fmt::format("contract {}: grace period {}ed", options.contract, options.action));
  return {};
}

Result<void> FarmIp(App const& app, Options const& options, std::string_view action) {
  TRELLIS_TRY(auto const opened, Open(app));
  auto const farm_id = opened.grid.settings().farm_id;
  TRELLIS_TRY(auto const farmer, FarmerOf(opened));
  if (action == "add")
    TRELLIS_CHECK(
        opened.ledger->Submit(farmer, ledger::AddFarmIp{farm_id, options.ip, options.gateway}));
  if (action == "remove")
    TRELLIS_CHECK(opened.ledger->Submit(farmer, ledger::RemoveFarmIp{farm_id, options.ip}));
  TRELLIS_TRY(auto const farm, opened.ledger->GetFarm(farm_id));
  std::string text;
  for (auto const& ip : farm.public_ips)
    text += fmt::format("{:<20} gateway {:<16} {}\n", ip.ip, ip.gateway,
                        ip.contract_id == 0 ? "free" : fmt::format("contract {}", ip.contract_id));
  app.Print(json::Encode(farm.public_ips), text.empty() ? "no public addresses" : text);
  return {};
}

Result<void> NodePublicConfig(App const& app, Options const& options) {
  TRELLIS_TRY(auto const opened, Open(app));
  auto const node_id = opened.grid.settings().node_id;
  if (options.clear || !options.ip.empty()) {
    TRELLIS_TRY(auto const farmer, FarmerOf(opened));
    ledger::SetPublicConfig call;
    call.node = node_id;
    if (!options.clear) {
      ledger::PublicConfig config;
      config.ip4 = {options.ip, options.gateway};
      if (!options.ip6.empty()) config.ip6 = ledger::IpConfig{options.ip6, options.gateway6};
      if (!options.domain.empty()) config.domain = options.domain;
      call.config = config;
    }
    TRELLIS_CHECK(opened.ledger->Submit(farmer, call));
  }
  TRELLIS_TRY(auto const node, opened.ledger->GetNode(node_id));
  if (!node.public_config.has_value()) {
    app.Print(nullptr, "no public configuration");
    return {};
  }
  app.Print(json::Encode(*node.public_config),
            boost::json::serialize(json::Encode(*node.public_config)));
  return {};
}

void AddContract(CLI::App& root, App& app, std::shared_ptr<Options> const& options) {
  auto* const contract =
      root.add_subcommand("contract", "contracts on the ledger")->require_subcommand(1);
  auto* const create = contract->add_subcommand(
      "create", "make a node contract (--hash) or a name contract (--name)");
  create->add_option("--hash", options->hash, "hash of the deployment, 32 hex digits");
  create->add_option("--data", options->data, "metadata");
  create->add_option("--public-ips", options->ips, "public IPv4 addresses to reserve");
  create->add_option("--name", options->name, "name to reserve");
  create->add_option("--user", options->user, "key of the owner (default: user)");
  app.On(create, [&app, options] { return Create(app, *options); });
  auto* const cancel = contract->add_subcommand("cancel", "cancel a contract");
  cancel->add_option("contract", options->contract, "contract id")->required();
  cancel->add_option("--user", options->user, "key of the owner (default: user)");
  app.On(cancel, [&app, options] { return Cancel(app, *options); });
  auto* const list = contract->add_subcommand("list", "live contracts of a twin");
  list->add_option("--user", options->user, "key of the owner (default: user)");
  app.On(list, [&app, options] { return List(app, *options); });
  auto* const grace = contract->add_subcommand("grace", "start or end a grace period");
  grace->add_option("action", options->action, "start or end")->required();
  grace->add_option("contract", options->contract, "contract id")->required();
  app.On(grace, [&app, options] { return Grace(app, *options); });
}

}  // namespace

void AddContractCommands(CLI::App& root, App& app) {
  auto options = std::make_shared<Options>();
  AddContract(root, app, options);
  auto* const ip = root.add_subcommand("farm", "the node's farm")
                       ->require_subcommand(1)
                       ->add_subcommand("ip", "public addresses")
                       ->require_subcommand(1);
  auto* const add = ip->add_subcommand("add", "add an address");
  add->add_option("ip", options->ip, "address with prefix length, such as 185.69.166.10/24")
      ->required();
  add->add_option("gateway", options->gateway, "gateway")->required();
  app.On(add, [&app, options] { return FarmIp(app, *options, "add"); });
  auto* const remove = ip->add_subcommand("remove", "remove a free address");
  remove->add_option("ip", options->ip, "address with prefix length")->required();
  app.On(remove, [&app, options] { return FarmIp(app, *options, "remove"); });
  app.On(ip->add_subcommand("list", "all addresses"),
         [&app, options] { return FarmIp(app, *options, "list"); });
  auto* const node = root.add_subcommand("node", "the node")->require_subcommand(1);
  auto* const confirm = node->add_subcommand(
      "confirm-orphans", "let the node remove what its new store does not know");
  app.On(confirm, [&app] { return ConfirmOrphans(app); });
  auto* const config =
      node->add_subcommand("public-config", "show or set the public configuration");
  config->add_option("--ip4", options->ip, "address with prefix length");
  config->add_option("--gw4", options->gateway, "gateway");
  config->add_option("--ip6", options->ip6, "IPv6 address with prefix length");
  config->add_option("--gw6", options->gateway6, "IPv6 gateway");
  config->add_option("--domain", options->domain, "domain of the node");
  config->add_flag("--clear", options->clear, "remove it");
  app.On(config, [&app, options] { return NodePublicConfig(app, *options); });
}

}  // namespace trellis::cli
