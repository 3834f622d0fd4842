// Deployment files: reading, completing, comparing, signing.
#pragma once

#include "kernel/grid/deployment.hpp"
#include "tools/cli/bus_client.hpp"

#include <trellis/result.hpp>

#include <string>

namespace trellis::cli {

/// Reads a deployment file; `-` is standard input. kNotFound, kDecode.
Result<grid::Deployment> ReadDocument(std::string const& file);
/// Fills in twin and signature requirement where they are missing.
void Complete(grid::Deployment& deployment, std::uint32_t twin);
/// The document's hash as the node computes it; refusals name the workload and the reason.
Result<std::string> HashOf(ControlClient& control, grid::Deployment const& deployment);
/// Signs with the twin's key over the hash (32 hex digits).
Result<void> SignWith(grid::Deployment& deployment, std::uint32_t twin, LoadedKey const& key,
                      std::string const& hash);
/// `next` as the version after `current`: workloads that did not change keep their version.
Result<void> MakeNextVersion(grid::Deployment& next, grid::Deployment const& current);
/// Public IPv4 addresses that the document's workloads ask for.
[[nodiscard]] std::uint32_t CountPublicIps(grid::Deployment const& deployment);

}  // namespace trellis::cli
