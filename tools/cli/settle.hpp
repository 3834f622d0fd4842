// Waiting for a deployment with progress.
#pragma once

#include "tools/cli/app.hpp"
#include "tools/cli/bus_client.hpp"
#include "tools/cli/control_client.hpp"

#include <trellis/result.hpp>

#include <chrono>
#include <cstdint>

namespace trellis::cli {

/// Waits until every workload of the version is ok, paused or failed, showing each change. `events`
/// must be watching since before the request was sent. The deployment as it is then; kInvalid names
/// the first workload that failed or whose change was refused.
Result<json::Value> WaitSettled(App const& app, ControlClient& events, ControlClient& control,
                                std::uint32_t twin, std::uint64_t contract, std::uint32_t version,
                                std::chrono::seconds limit);
/// Waits until the node does not know the deployment any more.
Result<void> WaitRemoved(App const& app, ControlClient& events, ControlClient& control,
                         std::uint32_t twin, std::uint64_t contract, std::chrono::seconds limit);
/// The same for a deployment on a node that is somewhere else, by asking again.
Result<json::Value> WaitSettledThere(App const& app, BusClient& client, std::uint64_t contract,
                                     std::uint32_t version, std::chrono::seconds limit);
Result<void> WaitRemovedThere(BusClient& client, std::uint64_t contract,
                              std::chrono::seconds limit);
/// One line a workload.
[[nodiscard]] std::string DeploymentText(json::Value const& deployment);

}  // namespace trellis::cli
