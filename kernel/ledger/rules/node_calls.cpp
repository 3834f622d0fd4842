// What a node writes about itself and its contracts.
#include "kernel/ledger/rules/refusal.hpp"
#include "kernel/ledger/rules/write.hpp"

namespace trellis::ledger::rules {
namespace {

constexpr std::size_t kMaxNodeBytes = 64U << 10U;

/// NodeNotValid when it is too large or not text.
Result<void> CheckSpec(NodeSpec const& spec) {
  auto const body = json::Dump(spec);
  if (body.size() > kMaxNodeBytes)
    return Refuse("NodeNotValid", "description of the node has more than {} bytes", kMaxNodeBytes);
  if (!json::ParseValue(body)) return Refuse("NodeNotValid", "node description is not UTF-8");
  return {};
}

Result<void> EmitNode(Write& write, EventKind kind, Node const& node) {
  return Emit(write, kind, {.node = node.id, .contract = 0, .twin = node.twin_id},
              json::Encode(node));
}

Result<std::uint32_t> RequireOwnNode(Write& write) {
  TRELLIS_TRY(auto const node, write.state.FindNodeByTwin(write.caller.twin));
  if (!node) return Refuse("NodeNotExists", "twin {} has no node", write.caller.twin);
  return *node;
}

Result<void> RequireFewReports(std::size_t count) {
  if (count > kMaxReports)
    return Refuse("TooManyReports", "more than {} reports in one call", kMaxReports);
  return {};
}

/// Is the contract there? NodeNotAuthorizedToComputeReport when it is not on this node.
Result<bool> IsOwnContract(Write& write, std::uint64_t id, std::uint32_t node) {
  auto const contract = write.state.ReadContract(id);
  if (!contract && contract.error().code == Code::kNotFound) return false;
  TRELLIS_CHECK(contract);
  if (contract->kind == ContractKind::kNode && contract->node_id == node) return true;
  return Refuse("NodeNotAuthorizedToComputeReport", "contract {} is not on node {}", id, node);
}

}  // namespace

Result<std::uint64_t> Apply(Write& write, RegisterNode const& call) {
  TRELLIS_CHECK(RequireTwin(write));
  TRELLIS_TRY(auto const known, write.state.FindNodeByTwin(write.caller.twin));
  if (known)
    return Refuse("NodeWithTwinIdExists", "twin {} has node {}", write.caller.twin, *known);
  TRELLIS_CHECK(write.state.ReadFarm(call.spec.farm_id));
  TRELLIS_CHECK(CheckSpec(call.spec));
  Node node;
  static_cast<NodeSpec&>(node) = call.spec;
  node.twin_id = write.caller.twin;
  node.created = write.now;
  TRELLIS_TRY(node.id, write.state.AddNode(node));
  TRELLIS_CHECK(EmitNode(write, EventKind::kNodeStored, node));
  return node.id;
}

Result<std::uint64_t> Apply(Write& write, UpdateNode const& call) {
  TRELLIS_TRY(auto node, write.state.ReadNode(call.node));
  if (node.twin_id != write.caller.twin)
    return Refuse("NodeUpdateNotAuthorized", "node {} belongs to another twin", call.node);
  TRELLIS_CHECK(write.state.ReadFarm(call.spec.farm_id));
  TRELLIS_CHECK(CheckSpec(call.spec));
  static_cast<NodeSpec&>(node) = call.spec;
  TRELLIS_CHECK(write.state.ChangeNode(node));
  TRELLIS_CHECK(EmitNode(write, EventKind::kNodeUpdated, node));
  return 0;
}

Result<std::uint64_t> Apply(Write& write, ReportResources const& call) {
  TRELLIS_CHECK(RequireFewReports(call.resources.size()));
  TRELLIS_TRY(auto const node, RequireOwnNode(write));
  for (auto const& report : call.resources) {
    TRELLIS_TRY(bool const own, IsOwnContract(write, report.contract, node));
    if (own) TRELLIS_CHECK(write.state.PutResources(report));
  }
  return 0;
}

Result<std::uint64_t> Apply(Write& write, ReportNru const& call) {
  TRELLIS_CHECK(RequireFewReports(call.reports.size()));
  TRELLIS_TRY(auto const node, RequireOwnNode(write));
  for (auto const& report : call.reports) {
    if (report.window > report.timestamp)
      return Refuse("ReportNotValid", "window of contract {} begins before 1970", report.contract);
    TRELLIS_TRY(bool const own, IsOwnContract(write, report.contract, node));
    if (own) TRELLIS_CHECK(write.state.AddNru(report));
  }
  return 0;
}

Result<std::uint64_t> Apply(Write& write, ReportUptime const& call) {
  TRELLIS_TRY(auto const node, RequireOwnNode(write));
  if (call.timestamp < write.now - kMaxUptimeSkew || call.timestamp > write.now + kMaxUptimeSkew)
    return Refuse("InvalidTimestampHint", "timestamp is more than {} s off", kMaxUptimeSkew);
  TRELLIS_CHECK(write.state.PutUptime(node, call));
  return 0;
}

Result<std::uint64_t> Apply(Write& write, SetPowerState const& call) {
  TRELLIS_TRY(auto const id, RequireOwnNode(write));
  TRELLIS_TRY(auto node, write.state.ReadNode(id));
  node.power.state = call.state;
  TRELLIS_CHECK(write.state.ChangeNode(node));
  TRELLIS_CHECK(EmitNode(write, EventKind::kPowerStateChanged, node));
  return 0;
}

}  // namespace trellis::ledger::rules
