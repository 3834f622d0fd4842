// What a node writes about itself and its contracts.
#include "kernel/ledger/embedded/refusal.hpp"
#include "kernel/ledger/embedded/tables.hpp"
#include "kernel/ledger/embedded/txn.hpp"
#include "kernel/store/query.hpp"

#include <cstdlib>

namespace trellis::ledger::embedded {
namespace {

constexpr std::size_t kMaxNodeBytes = 64U << 10U;

/// The stored form; NodeNotValid when it is too large or not text.
Result<std::string> BodyOf(NodeSpec const& spec) {
  auto body = json::Dump(spec);
  if (body.size() > kMaxNodeBytes)
    return Refuse("NodeNotValid", "description of the node has more than {} bytes", kMaxNodeBytes);
  if (!json::ParseValue(body)) return Refuse("NodeNotValid", "node description is not UTF-8");
  return body;
}

Result<void> EmitNode(Txn& txn, EventKind kind, std::uint32_t id) {
  TRELLIS_TRY(auto const node, ReadNode(txn.db, id));
  return Emit(txn, kind, {.node = id, .contract = 0, .twin = node.twin_id}, json::Encode(node));
}

Result<std::uint32_t> RequireOwnNode(Txn& txn) {
  TRELLIS_TRY(auto const node, FindNodeByTwin(txn.db, txn.caller.twin));
  if (!node) return Refuse("NodeNotExists", "twin {} has no node", txn.caller.twin);
  return *node;
}

Result<void> RequireFewReports(std::size_t count) {
  if (count > kMaxReports)
    return Refuse("TooManyReports", "more than {} reports in one call", kMaxReports);
  return {};
}

/// Is the contract there? NodeNotAuthorizedToComputeReport when it is not on this node.
Result<bool> IsOwnContract(Txn& txn, std::uint64_t id, std::uint32_t node) {
  auto const contract = ReadContract(txn.db, id);
  if (!contract && contract.error().code == Code::kNotFound) return false;
  TRELLIS_CHECK(contract);
  if (contract->kind == ContractKind::kNode && contract->node_id == node) return true;
  return Refuse("NodeNotAuthorizedToComputeReport", "contract {} is not on node {}", id, node);
}

}  // namespace

Result<std::uint64_t> Apply(Txn& txn, RegisterNode const& call) {
  TRELLIS_CHECK(RequireTwin(txn));
  TRELLIS_TRY(auto const known, FindNodeByTwin(txn.db, txn.caller.twin));
  if (known) return Refuse("NodeWithTwinIdExists", "twin {} has node {}", txn.caller.twin, *known);
  TRELLIS_CHECK(ReadFarm(txn.db, call.spec.farm_id));
  TRELLIS_TRY(auto const body, BodyOf(call.spec));
  TRELLIS_CHECK(store::Run(txn.db,
                           "INSERT INTO node (farm, twin, body, created) VALUES (?1, ?2, ?3, ?4)",
                           call.spec.farm_id, txn.caller.twin, body, txn.now));
  auto const id = static_cast<std::uint32_t>(txn.db.LastInsertId());
  TRELLIS_CHECK(EmitNode(txn, EventKind::kNodeStored, id));
  return id;
}

Result<std::uint64_t> Apply(Txn& txn, UpdateNode const& call) {
  TRELLIS_TRY(auto const node, ReadNode(txn.db, call.node));
  if (node.twin_id != txn.caller.twin)
    return Refuse("NodeUpdateNotAuthorized", "node {} belongs to another twin", call.node);
  TRELLIS_CHECK(ReadFarm(txn.db, call.spec.farm_id));
  TRELLIS_TRY(auto const body, BodyOf(call.spec));
  TRELLIS_CHECK(store::Run(txn.db, "UPDATE node SET farm = ?2, body = ?3 WHERE id = ?1", call.node,
                           call.spec.farm_id, body));
  TRELLIS_CHECK(EmitNode(txn, EventKind::kNodeUpdated, call.node));
  return 0;
}

Result<std::uint64_t> Apply(Txn& txn, ReportResources const& call) {
  TRELLIS_CHECK(RequireFewReports(call.resources.size()));
  TRELLIS_TRY(auto const node, RequireOwnNode(txn));
  for (auto const& report : call.resources) {
    TRELLIS_TRY(bool const own, IsOwnContract(txn, report.contract, node));
    if (!own) continue;
    TRELLIS_CHECK(store::Run(txn.db, "REPLACE INTO resources VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                             report.contract, report.hru, report.sru, report.cru, report.mru,
                             txn.now));
  }
  return 0;
}

Result<std::uint64_t> Apply(Txn& txn, ReportNru const& call) {
  TRELLIS_CHECK(RequireFewReports(call.reports.size()));
  TRELLIS_TRY(auto const node, RequireOwnNode(txn));
  for (auto const& report : call.reports) {
    if (report.window > report.timestamp)
      return Refuse("ReportNotValid", "window of contract {} begins before 1970", report.contract);
    TRELLIS_TRY(bool const own, IsOwnContract(txn, report.contract, node));
    if (!own) continue;
    TRELLIS_CHECK(store::Run(txn.db, "INSERT OR IGNORE INTO nru VALUES (?1, ?2, ?3, ?4)",
                             report.contract, report.timestamp - report.window, report.window,
                             report.nru));
    // A window this old is no retry any more.
    TRELLIS_CHECK(store::Run(txn.db, "DELETE FROM nru WHERE contract = ?1 AND start < ?2",
                             report.contract, txn.now - txn.keep_seconds));
  }
  return 0;
}

Result<std::uint64_t> Apply(Txn& txn, ReportUptime const& call) {
  TRELLIS_TRY(auto const node, RequireOwnNode(txn));
  if (call.timestamp < txn.now - kMaxUptimeSkew || call.timestamp > txn.now + kMaxUptimeSkew)
    return Refuse("InvalidTimestampHint", "timestamp is more than {} s off", kMaxUptimeSkew);
  TRELLIS_CHECK(store::Run(txn.db, "REPLACE INTO uptime VALUES (?1, ?2, ?3)", node, call.timestamp,
                           call.uptime));
  TRELLIS_CHECK(store::Run(txn.db, "DELETE FROM uptime WHERE node = ?1 AND at < ?2", node,
                           txn.now - txn.keep_seconds));
  return 0;
}

Result<std::uint64_t> Apply(Txn& txn, SetPowerState const& call) {
  TRELLIS_TRY(auto const node, RequireOwnNode(txn));
  TRELLIS_CHECK(
      store::Run(txn.db, "UPDATE node SET power_state = ?2 WHERE id = ?1", node, call.state.value));
  TRELLIS_CHECK(EmitNode(txn, EventKind::kPowerStateChanged, node));
  return 0;
}

}  // namespace trellis::ledger::embedded
