// The ledger's objects as the grid's HTTP services show them: to GraphQL and to the grid proxy.
#pragma once

#include "kernel/ledger/embedded/embedded_ledger.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <string>
#include <vector>

namespace trellis::ledger::facade {

/// Rows of one answer.
inline constexpr std::size_t kMaxRows = 10'000;

boost::json::object GqlTwin(Twin const& twin);
boost::json::object GqlFarm(Farm const& farm);
boost::json::object GqlNode(Node const& node);
boost::json::object GqlContract(Contract const& contract);

/// What the proxy tells of a node besides its record on the ledger.
struct NodeFacts {
  Farm farm{};
  std::optional<Contract> rent{};
  NodeResources used{};
  std::vector<std::string> features{};
};
Result<NodeFacts> ReadNodeFacts(EmbeddedLedger& ledger, Node const& node);

enum class NodeForm : bool { kListed, kAlone };
/// The proxy's JSON; a single node has its resources one level deeper.
boost::json::object ProxyNode(Node const& node, NodeFacts const& facts, NodeForm form);
boost::json::object ProxyFarm(Farm const& farm);

/// All ids of nodes and farms, ascending, at most kMaxRows.
Result<std::vector<std::uint32_t>> ListAllNodes(EmbeddedLedger& ledger);

}  // namespace trellis::ledger::facade
