#include "tools/cli/send.hpp"

#include "tools/cli/document.hpp"
#include "tools/cli/settle.hpp"

#include <fmt/format.h>

namespace trellis::cli {

Result<std::unique_ptr<BusClient>> OpenBus(App const& app, std::string const& user,
                                           std::uint32_t node) {
  TRELLIS_TRY(auto const grid, GridDir::Open(app.dir));
  TRELLIS_TRY(auto const key, grid.FindKey(user));
  return BusClient::Connect(grid, key, node);
}

ledger::Caller As(std::uint32_t twin) {
  ledger::Caller caller;
  caller.twin = twin;
  return caller;
}

std::string ContractPayload(std::uint64_t contract) {
  return fmt::format(R"({{"contract_id":{}}})", contract);
}

Result<ControlClient> WatchDeployment(App const& app, std::uint32_t twin, std::uint64_t contract) {
  TRELLIS_TRY(auto const grid, GridDir::Open(app.dir));
  TRELLIS_TRY(auto client, ControlClient::Connect(grid.control_socket()));
  TRELLIS_CHECK(client.Watch(twin, contract));
  return client;
}

Result<grid::Deployment> FetchDeployment(BusClient& client, std::uint64_t contract) {
  TRELLIS_TRY(auto const current, client.Call("zos.deployment.get", ContractPayload(contract)));
  return grid::ParseDeployment(boost::json::serialize(current));
}

Result<json::Value> SendAndWait(App const& app, BusClient& client,
                                grid::Deployment const& deployment, std::string_view command,
                                std::chrono::seconds limit) {
  std::optional<ControlClient> events;
  if (client.IsHere()) {
    TRELLIS_TRY(events, WatchDeployment(app, deployment.twin_id, deployment.contract_id));
  }
  app.Progress(fmt::format("sending to {} over the relay ({} workloads, contract {})",
                           client.IsHere() ? "the node" : fmt::format("node {}", client.node()),
                           deployment.workloads.size(), deployment.contract_id));
  TRELLIS_CHECK(client.Call(command, grid::ToJson(deployment)));
  if (!events.has_value())
    return WaitSettledThere(app, client, deployment.contract_id, deployment.version, limit);
  return WaitSettled(app, *events, client.control(), deployment.twin_id, deployment.contract_id,
                     deployment.version, limit);
}

Result<json::Value> SendUpdate(App const& app, BusClient& client, grid::Deployment next,
                               grid::Deployment const& current, std::chrono::seconds limit) {
  auto const contract = current.contract_id;
  TRELLIS_CHECK(MakeNextVersion(next, current));
  TRELLIS_TRY(auto const hash, HashOf(client.control(), next));
  ledger::UpdateNodeContract update;
  update.contract = contract;
  update.hash = hash;
  update.data = next.metadata;
  TRELLIS_TRY(auto const before, client.ledger().GetContract(contract));
  TRELLIS_CHECK(client.ledger().Submit(As(client.twin()), update));
  TRELLIS_CHECK(SignWith(next, client.twin(), client.key(), hash));
  auto settled = SendAndWait(app, client, next, "zos.deployment.update", limit);
  if (settled) return settled;
  auto const after = FetchDeployment(client, contract);
  if (after &&
      after->version == current.version) {  // refused: the contract keeps the hash of what runs
    update.hash = before.hash;
    update.data = before.data;
    if (auto const restored = client.ledger().Submit(As(client.twin()), update); !restored)
      app.Progress(restored.error().message);
  }
  return settled;
}

}  // namespace trellis::cli
