// deploy, update, get, list, changes, cancel: what a user does with deployments.
#include "tools/cli/app.hpp"
#include "tools/cli/bus_client.hpp"
#include "tools/cli/document.hpp"
#include "tools/cli/send.hpp"
#include "tools/cli/settle.hpp"

#include <fmt/format.h>

namespace trellis::cli {
namespace {

struct Options {
  std::string file;
  std::string user;
  std::uint64_t contract = 0;
  std::uint32_t node = 0;
  std::int64_t timeout_s = 600;
  bool watch = false;
};

Result<std::unique_ptr<BusClient>> Open(App const& app, Options const& options) {
  return OpenBus(app, options.user, options.node);
}

std::chrono::seconds TimeOf(Options const& options) {
  return std::chrono::seconds(options.timeout_s);
}

/// The settled deployment, and with --watch whatever happens from then on.
Result<void> Show(App const& app, BusClient& client, json::Value const& settled,
                  Options const& options) {
  app.Print(settled, DeploymentText(settled));
  if (!options.watch) return {};
  if (!client.IsHere())
    return Fail(Code::kUnsupported, "--watch shows what happens on this machine's node only");
  TRELLIS_TRY(auto events, WatchDeployment(app, client.twin(),
                                           settled.at("contract_id").to_number<std::uint64_t>()));
  app.Progress("watching; Ctrl-C ends");
  while (true) {
    TRELLIS_TRY(auto const event, events.NextEvent(std::chrono::hours(1)));
    if (event.has_value()) app.Print(*event, boost::json::serialize(*event));
  }
}

/// The user's live contract with this hash on the node; 0 if there is none.
Result<std::uint64_t> ContractWithHash(BusClient& client, std::uint32_t node,
                                       std::string_view hash) {
  auto const id = client.ledger().ContractByHash(node, hash);
  if (!id && id.error().code == Code::kNotFound) return 0;
  TRELLIS_CHECK(id);
  TRELLIS_TRY(auto const contract, client.ledger().GetContract(*id));
  return contract.twin_id == client.twin() ? *id : 0;
}

/// Makes the deployment's contract. One that an interrupted deploy left behind is taken again.
Result<std::uint64_t> EnsureContract(App const& app, BusClient& client, std::uint32_t node,
                                     grid::Deployment const& deployment, std::string const& hash) {
  ledger::CreateNodeContract contract;
  contract.node = node;
  contract.hash = hash;
  contract.data = deployment.metadata;
  contract.public_ips = CountPublicIps(deployment);
  auto const made = client.ledger().Submit(As(client.twin()), contract);
  if (made) {
    app.Progress(fmt::format("contract {} made for hash {}", *made, hash));
    return *made;
  }
  if (made.error().code != Code::kConflict) return tl::unexpected<Error>(made.error());
  TRELLIS_TRY(auto const mine, ContractWithHash(client, node, hash));
  if (mine == 0) return tl::unexpected<Error>(made.error());
  app.Progress(fmt::format("contract {} has this hash already, going on with it", mine));
  return mine;
}

/// After a failure: the contract of a deployment that was refused would stand for nothing. That the
/// node cannot be asked is no refusal: it may have the deployment.
void CancelUnlessKnown(App const& app, BusClient& client, std::uint64_t contract) {
  auto const known =
      client.IsHere()
          ? client.control().Call("zos.deployment.get",
                                  boost::json::object{{"contract_id", contract}}, client.twin())
          : client.Call("zos.deployment.get", ContractPayload(contract));
  if (known) return;
  if (known.error().code != Code::kNotFound) {
    return app.Progress(fmt::format(
        "the node may have accepted it: contract {} stays; deploy the same file again to go on "
        "with it, or 'trellis contract cancel {}'",
        contract, contract));
  }
  ledger::CancelContract cancel;
  cancel.contract = contract;
  if (auto const canceled = client.ledger().Submit(As(client.twin()), cancel); !canceled)
    app.Progress(canceled.error().message);
}

Result<void> Deploy(App const& app, Options const& options) {
  TRELLIS_TRY(auto deployment, ReadDocument(options.file));
  TRELLIS_TRY(auto client, Open(app, options));
  Complete(deployment, client->twin());
  TRELLIS_TRY(auto const hash, HashOf(client->control(), deployment));
  bool const created = deployment.contract_id == 0;
  if (created) {
    TRELLIS_TRY(deployment.contract_id,
                EnsureContract(app, *client, client->node(), deployment, hash));
  }
  TRELLIS_CHECK(SignWith(deployment, client->twin(), client->key(), hash));
  auto const settled =
      SendAndWait(app, *client, deployment, "zos.deployment.deploy", TimeOf(options));
  if (settled) return Show(app, *client, *settled, options);
  if (created) CancelUnlessKnown(app, *client, deployment.contract_id);
  return tl::unexpected<Error>(settled.error());
}

Result<void> Update(App const& app, Options const& options) {
  TRELLIS_TRY(auto deployment, ReadDocument(options.file));
  TRELLIS_TRY(auto client, Open(app, options));
  auto const contract = options.contract != 0 ? options.contract : deployment.contract_id;
  if (contract == 0)
    return Fail(Code::kInvalid,
                "which deployment? name its contract with --contract, or set contract_id in '{}'",
                options.file);
  TRELLIS_TRY(auto const current, FetchDeployment(*client, contract));
  TRELLIS_TRY(auto const settled,
              SendUpdate(app, *client, std::move(deployment), current, TimeOf(options)));
  return Show(app, *client, settled, options);
}

Result<void> Get(App const& app, Options const& options) {
  TRELLIS_TRY(auto client, Open(app, options));
  TRELLIS_TRY(auto const found,
              client->Call("zos.deployment.get", ContractPayload(options.contract)));
  app.Print(found, DeploymentText(found));
  return {};
}

Result<void> List(App const& app, Options const& options) {
  TRELLIS_TRY(auto client, Open(app, options));
  TRELLIS_TRY(auto const list, client->Call("zos.deployment.list", "null"));
  std::string text;
  for (auto const& deployment : list.as_array())
    text += DeploymentText(deployment);
  app.Print(list, text.empty() ? "no active deployments" : text);
  return {};
}

Result<void> Changes(App const& app, Options const& options) {
  TRELLIS_TRY(auto client, Open(app, options));
  TRELLIS_TRY(auto const list,
              client->Call("zos.deployment.changes", ContractPayload(options.contract)));
  std::string text;
  for (auto const& entry : list.as_array()) {
    auto const& result = entry.at("result");
    text += fmt::format("{} {} v{} {} {}\n", boost::json::serialize(result.at("created")),
                        std::string_view(entry.at("name").as_string()),
                        boost::json::serialize(entry.at("version")),
                        std::string_view(result.at("state").as_string()),
                        std::string_view(result.at("message").as_string()));
  }
  app.Print(list, text);
  return {};
}

Result<void> Cancel(App const& app, Options const& options) {
  TRELLIS_TRY(auto client, Open(app, options));
  std::optional<ControlClient> events;
  if (client->IsHere()) {
    TRELLIS_TRY(events, WatchDeployment(app, client->twin(), options.contract));
  }
  ledger::CancelContract cancel;
  cancel.contract = options.contract;
  TRELLIS_CHECK(client->ledger().Submit(As(client->twin()), cancel));
  app.Progress(fmt::format("contract {} is cancelled, waiting for the node", options.contract));
  TRELLIS_CHECK(events.has_value() ? WaitRemoved(app, *events, client->control(), client->twin(),
                                                 options.contract, TimeOf(options))
                                   : WaitRemovedThere(*client, options.contract, TimeOf(options)));
  app.Print(boost::json::object{{"contract_id", options.contract}, {"removed", true}},
            fmt::format("contract {}: everything is removed", options.contract));
  return {};
}

}  // namespace

void AddDeployCommands(CLI::App& root, App& app) {
  auto options = std::make_shared<Options>();
  auto const add = [&](char const* name, char const* help,
                       Result<void> (*run)(App const&, Options const&)) {
    auto* const command = root.add_subcommand(name, help);
    command->add_option("--user", options->user, "key that signs (default: user)");
    command->add_option("--node", options->node, "node of the grid (default: this machine's)");
    app.On(command, [&app, options, run] { return run(app, *options); });
    return command;
  };
  auto* const deploy =
      add("deploy", "deploy a file: contract, signature, sending, waiting", &Deploy);
  auto* const update = add("update", "bring a deployment to the state of a file", &Update);
  for (auto* command : {deploy, update}) {
    command->add_option("file", options->file, "deployment JSON, - for standard input")->required();
    command->add_option("--timeout", options->timeout_s, "seconds to wait (default 600)");
    command->add_flag("--watch", options->watch, "go on showing changes");
  }
  update->add_option("--contract", options->contract, "contract of the deployment");
  for (auto* command :
       {add("get", "one deployment", &Get), add("changes", "history of a deployment", &Changes),
        add("cancel", "cancel a contract and wait until all is removed", &Cancel)}) {
    command->add_option("contract", options->contract, "contract id")->required();
  }
  add("list", "active deployments of the user", &List);
}

}  // namespace trellis::cli
