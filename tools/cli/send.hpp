// Sending deployments to a node and waiting for what becomes of them.
#pragma once

#include "kernel/grid/deployment.hpp"
#include "tools/cli/app.hpp"
#include "tools/cli/bus_client.hpp"

#include <trellis/result.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace trellis::cli {

/// As the key `user`, to node `node` (0 = this machine's).
Result<std::unique_ptr<BusClient>> OpenBus(App const& app, std::string const& user,
                                           std::uint32_t node);
[[nodiscard]] ledger::Caller As(std::uint32_t twin);
[[nodiscard]] std::string ContractPayload(std::uint64_t contract);
/// Hears of everything that happens to a deployment of this machine's node.
Result<ControlClient> WatchDeployment(App const& app, std::uint32_t twin, std::uint64_t contract);

/// As the node has it. kNotFound.
Result<grid::Deployment> FetchDeployment(BusClient& client, std::uint64_t contract);
/// Sends the signed deployment and waits, showing each change; the deployment as it is then.
Result<json::Value> SendAndWait(App const& app, BusClient& client,
                                grid::Deployment const& deployment, std::string_view command,
                                std::chrono::seconds limit);
/// Makes `next` the version after `current`: contract, signature, sending, waiting. The contract
/// gets its hash back when the node refuses.
Result<json::Value> SendUpdate(App const& app, BusClient& client, grid::Deployment next,
                               grid::Deployment const& current, std::chrono::seconds limit);

}  // namespace trellis::cli
