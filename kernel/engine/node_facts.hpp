// What plugins are told about the node: `trl_open.node` and the event `node.changed`.
#pragma once

#include "kernel/ledger/types.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace trellis::engine {

/// Where the store keeps the node's public configuration as last read from the ledger, so that a
/// start needs no ledger.
inline constexpr char const* kPublicConfig = "node_record";

/// As clients see it: {"type","ipv4","ipv6","gw4","gw6","domain"}; `null` without one.
[[nodiscard]] std::string PublicConfigText(std::optional<ledger::PublicConfig> const& config);

/// `facts`: a JSON object without public configuration; `public_config`: JSON, "" = null.
[[nodiscard]] std::string NodeText(std::string_view facts, std::string_view public_config);

}  // namespace trellis::engine
