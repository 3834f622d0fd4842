#include "kernel/ledger/embedded/sql_state.hpp"

#include "kernel/ledger/embedded/tables.hpp"
#include "kernel/store/query.hpp"

namespace trellis::ledger::embedded {
namespace {

constexpr std::int64_t kRequestSeconds = 86'400;

std::optional<std::string> TextOf(std::optional<PeerKey> const& pk) {
  if (!pk) return std::nullopt;
  return pk->ToString();
}

std::optional<std::string> TextOf(std::optional<PublicConfig> const& config) {
  if (!config) return std::nullopt;
  return json::Dump(*config);
}

std::string SpecOf(Node const& node) {
  return json::Dump(static_cast<NodeSpec const&>(node));
}

rules::Write WriteOf(Txn& txn, SqlState& state) {
  return {.state = state,
          .caller = txn.caller,
          .height = txn.height,
          .now = txn.now,
          .private_ranges = txn.private_ranges};
}

}  // namespace

Result<std::uint64_t> Apply(Txn& txn, Call const& call) {
  SqlState state(txn);
  auto write = WriteOf(txn, state);
  return rules::ApplyRequest(write, call);
}

Result<rules::Ids> Apply(Txn& txn, std::vector<Call> const& calls) {
  SqlState state(txn);
  auto write = WriteOf(txn, state);
  return rules::ApplyRequest(write, calls);
}

Result<void> Emit(Txn& txn, EventKind kind, rules::EventAbout about, json::Value body) {
  SqlState state(txn);
  auto write = WriteOf(txn, state);
  return rules::Emit(write, kind, about, std::move(body));
}

Result<Twin> SqlState::ReadTwin(std::uint32_t id) {
  return embedded::ReadTwin(db_, id);
}

Result<std::optional<std::uint32_t>> SqlState::FindTwinByAccount(Account const& account) {
  return embedded::FindTwinByAccount(db_, account);
}

Result<Farm> SqlState::ReadFarm(std::uint32_t id) {
  return embedded::ReadBareFarm(db_, id);
}

Result<std::optional<std::uint32_t>> SqlState::FindFarmByName(std::string_view name) {
  return embedded::FindFarmByName(db_, name);
}

Result<std::vector<PublicIp>> SqlState::ListFarmIps(std::uint32_t farm) {
  return embedded::ListFarmIps(db_, farm);
}

Result<std::optional<std::uint32_t>> SqlState::FindFarmByIp(std::string_view ip) {
  return embedded::FindFarmByIp(db_, ip);
}

Result<Node> SqlState::ReadNode(std::uint32_t id) {
  return embedded::ReadNode(db_, id);
}

Result<std::optional<std::uint32_t>> SqlState::FindNodeByTwin(std::uint32_t twin) {
  return embedded::FindNodeByTwin(db_, twin);
}

Result<Contract> SqlState::ReadContract(std::uint64_t id) {
  return embedded::ReadContract(db_, id);
}

Result<std::optional<std::uint64_t>> SqlState::FindNameContract(std::string_view name) {
  return embedded::FindNameContract(db_, name);
}

Result<std::optional<std::uint64_t>> SqlState::FindRentContract(std::uint32_t node) {
  return embedded::FindRentContract(db_, node);
}

Result<std::optional<std::uint64_t>> SqlState::FindContractByHash(std::uint32_t node,
                                                                  std::string_view hash) {
  return embedded::FindContractByHash(db_, node, hash);
}

Result<rules::Ids> SqlState::ListNodeContracts(std::uint32_t node) {
  return embedded::ListNodeContractIds(db_, node);
}

Result<bool> SqlState::HasNodeContracts(std::uint32_t node) {
  return embedded::HasNodeContracts(db_, node);
}

Result<std::uint32_t> SqlState::AddTwin(Twin const& twin) {
  TRELLIS_CHECK(store::Run(
      db_, "INSERT INTO twin (account, relay, pk, verified, created) VALUES (?1, ?2, ?3, ?4, ?5)",
      twin.account.ToString(), twin.relay, TextOf(twin.pk), twin.verified, txn_.now));
  return static_cast<std::uint32_t>(db_.LastInsertId());
}

Result<void> SqlState::ChangeTwin(Twin const& twin) {
  return store::Run(db_, "UPDATE twin SET relay = ?2, pk = ?3, verified = ?4 WHERE id = ?1",
                    twin.id, twin.relay, TextOf(twin.pk), twin.verified);
}

Result<std::uint32_t> SqlState::AddFarm(Farm const& farm) {
  TRELLIS_CHECK(store::Run(db_, "INSERT INTO farm (name, twin, dedicated) VALUES (?1, ?2, ?3)",
                           farm.name, farm.twin_id, farm.dedicated));
  return static_cast<std::uint32_t>(db_.LastInsertId());
}

Result<void> SqlState::AddFarmIp(std::uint32_t farm, IpConfig const& address) {
  return store::Run(db_,
                    "INSERT INTO farm_ip (farm, ip, gateway, pos) VALUES (?1, ?2, ?3, "
                    "(SELECT coalesce(max(pos), -1) + 1 FROM farm_ip WHERE farm = ?1))",
                    farm, address.ip, address.gw);
}

Result<void> SqlState::RemoveFarmIp(std::uint32_t farm, std::string_view ip) {
  return store::Run(db_, "DELETE FROM farm_ip WHERE farm = ?1 AND ip = ?2", farm, ip);
}

Result<std::uint32_t> SqlState::AddNode(Node const& node) {
  TRELLIS_CHECK(store::Run(db_,
                           "INSERT INTO node (farm, twin, body, created) VALUES (?1, ?2, ?3, ?4)",
                           node.farm_id, node.twin_id, SpecOf(node), node.created));
  return static_cast<std::uint32_t>(db_.LastInsertId());
}

Result<void> SqlState::ChangeNode(Node const& node) {
  return store::Run(db_,
                    "UPDATE node SET farm = ?2, body = ?3, public_config = ?4, power_state = ?5, "
                    "power_target = ?6 WHERE id = ?1",
                    node.id, node.farm_id, SpecOf(node), TextOf(node.public_config),
                    node.power.state.value, node.power.target.value);
}

Result<std::uint64_t> SqlState::AddContract(Contract const& contract) {
  TRELLIS_CHECK(store::Run(
      db_,
      "INSERT INTO contract (twin, kind, node, hash, data, ips, name, provider, created, changed) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
      contract.twin_id, contract.kind.value, contract.node_id, contract.hash, contract.data,
      contract.public_ips, contract.name, contract.solution_provider, txn_.now));
  auto const id = static_cast<std::uint64_t>(db_.LastInsertId());
  std::int64_t pos = 0;
  for (auto const& ip : contract.public_ips_list) {
    TRELLIS_CHECK(store::Run(db_, "UPDATE farm_ip SET contract = ?2 WHERE ip = ?1", ip.ip, id));
    TRELLIS_CHECK(store::Run(db_, "INSERT INTO contract_ip VALUES (?1, ?2, ?3, ?4)", id, ip.ip,
                             ip.gateway, pos++));
  }
  return id;
}

Result<void> SqlState::ChangeContract(Contract const& contract) {
  return store::Run(
      db_,
      "UPDATE contract SET hash = ?2, data = ?3, state = ?4, state_arg = ?5, changed = ?6 "
      "WHERE id = ?1",
      contract.contract_id, contract.hash, contract.data, contract.state.value, contract.state_arg,
      txn_.now);
}

Result<void> SqlState::DeleteContract(Contract const& contract, std::uint64_t cause) {
  for (auto const& ip : contract.public_ips_list)
    TRELLIS_CHECK(store::Run(db_, "UPDATE farm_ip SET contract = 0 WHERE ip = ?1", ip.ip));
  TRELLIS_CHECK(
      store::Run(db_, "UPDATE contract SET state = 1, state_arg = ?2, changed = ?3 WHERE id = ?1",
                 contract.contract_id, cause, txn_.now));
  return Prune();
}

Result<void> SqlState::PutResources(ContractResources const& resources) {
  return store::Run(db_, "REPLACE INTO resources VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    resources.contract, resources.hru, resources.sru, resources.cru, resources.mru,
                    txn_.now);
}

Result<void> SqlState::AddNru(NruReport const& report) {
  TRELLIS_CHECK(store::Run(db_, "INSERT OR IGNORE INTO nru VALUES (?1, ?2, ?3, ?4)",
                           report.contract, report.timestamp - report.window, report.window,
                           report.nru));
  // A window this old is no retry any more.
  return store::Run(db_, "DELETE FROM nru WHERE contract = ?1 AND start < ?2", report.contract,
                    txn_.now - txn_.keep_seconds);
}

Result<void> SqlState::PutUptime(std::uint32_t node, ReportUptime const& report) {
  TRELLIS_CHECK(store::Run(db_, "REPLACE INTO uptime VALUES (?1, ?2, ?3)", node, report.timestamp,
                           report.uptime));
  return store::Run(db_, "DELETE FROM uptime WHERE node = ?1 AND at < ?2", node,
                    txn_.now - txn_.keep_seconds);
}

Result<void> SqlState::AddEvent(Event const& event) {
  return store::Run(db_,
                    "INSERT INTO event (height, at, kind, node, contract, twin, body) "
                    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    event.height, event.at, event.kind.ToString(), event.node, event.contract,
                    event.twin, boost::json::serialize(event.body));
}

Result<std::optional<rules::AppliedRequest>> SqlState::FindRequest(std::uint32_t twin,
                                                                   std::string_view request) {
  TRELLIS_CHECK(store::Run(db_, "DELETE FROM applied WHERE at < ?1", txn_.now - kRequestSeconds));
  TRELLIS_TRY(
      auto const row,
      store::One(
          db_, "SELECT arguments, result FROM applied WHERE twin = ?1 AND request = ?2",
          [](store::Statement const& found) { return std::pair(found.Text(0), found.Text(1)); },
          twin, request));
  if (!row) return std::nullopt;
  TRELLIS_TRY(auto ids, json::Parse<rules::Ids>(row->second));
  return rules::AppliedRequest{.arguments = row->first, .ids = std::move(ids)};
}

Result<void> SqlState::AddRequest(std::uint32_t twin, std::string_view request,
                                  rules::AppliedRequest const& applied) {
  return store::Run(db_, "INSERT INTO applied VALUES (?1, ?2, ?3, ?4, ?5)", twin, request, txn_.now,
                    applied.arguments, json::Dump(applied.ids));
}

// Both are found by index, oldest first.
Result<void> SqlState::Prune() {
  std::int64_t const oldest = txn_.now - txn_.keep_seconds;
  TRELLIS_CHECK(
      store::Run(db_,
                 "DELETE FROM contract WHERE id IN (SELECT id FROM contract WHERE state = 1 AND "
                 "changed < ?1 ORDER BY changed LIMIT 100)",
                 oldest));
  return store::Run(db_,
                    "DELETE FROM event WHERE at < ?1 AND seq IN (SELECT seq FROM event ORDER BY "
                    "seq LIMIT 100)",
                    oldest);
}

}  // namespace trellis::ledger::embedded
