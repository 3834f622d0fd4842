#include "kernel/ledger/facade/grid_rows.hpp"

#include "kernel/crypto/keys.hpp"
#include "kernel/store/query.hpp"

namespace trellis::ledger::facade {
namespace {

using boost::json::array;
using boost::json::object;
using store::Database;
using store::Statement;

json::Value TextOrNull(std::optional<std::string> const& text) {
  return text ? json::Value(*text) : json::Value(nullptr);
}

object ResourcesJson(NodeResources const& resources) {
  return {{"cru", resources.cru},
          {"sru", resources.sru},
          {"hru", resources.hru},
          {"mru", resources.mru}};
}

std::string_view StateName(Contract const& contract) {
  switch (contract.state.value) {
    case ContractState::kDeleted:
      return "Deleted";
    case ContractState::kGracePeriod:
      return "GracePeriod";
    case ContractState::kCreated:
      break;
  }
  return "Created";
}

object PublicConfigJson(std::optional<PublicConfig> const& config) {
  PublicConfig const shown = config.value_or(PublicConfig{});
  IpConfig const ip6 = shown.ip6.value_or(IpConfig{});
  return {{"domain", shown.domain.value_or("")},
          {"gw4", shown.ip4.gw},
          {"gw6", ip6.gw},
          {"ipv4", shown.ip4.ip},
          {"ipv6", ip6.ip}};
}

}  // namespace

// Numbers that may need more than 53 bits are strings to GraphQL.
object GqlTwin(Twin const& twin) {
  crypto::PublicKey const key = twin.account.bytes;
  return {{"id", fmt::format("{}", twin.id)},
          {"twinID", twin.id},
          {"accountID", crypto::Ss58Address(key)},
          {"relay", TextOrNull(twin.relay)},
          {"publicKey", twin.pk ? json::Value(twin.pk->ToString()) : json::Value(nullptr)}};
}

object GqlFarm(Farm const& farm) {
  array ips;
  for (auto const& ip : farm.public_ips) {
    ips.push_back(object{
        {"ip", ip.ip}, {"gateway", ip.gateway}, {"contractId", fmt::format("{}", ip.contract_id)}});
  }
  return {{"id", fmt::format("{}", farm.id)},
          {"farmID", farm.id},
          {"name", farm.name},
          {"twinID", farm.twin_id},
          {"certification", "NotCertified"},
          {"dedicatedFarm", farm.dedicated},
          {"pricingPolicyID", 1},
          {"publicIPs", std::move(ips)}};
}

object GqlNode(Node const& node) {
  return {{"id", fmt::format("{}", node.id)},
          {"nodeID", node.id},
          {"farmID", node.farm_id},
          {"twinID", node.twin_id},
          {"country", node.location.country},
          {"city", node.location.city},
          {"created", fmt::format("{}", node.created)},
          {"createdAt", fmt::format("{}", node.created)},
          {"certification", "Diy"},
          {"secure", node.secure_boot},
          {"virtualized", node.virtualized},
          {"serialNumber", TextOrNull(node.serial)},
          {"resourcesTotal", ResourcesJson(node.resources)},
          {"location",
           object{{"latitude", node.location.latitude}, {"longitude", node.location.longitude}}},
          {"publicConfig", node.public_config ? json::Value(PublicConfigJson(node.public_config))
                                              : json::Value(nullptr)}};
}

object GqlContract(Contract const& contract) {
  object row{
      {"id", fmt::format("{}", contract.contract_id)},
      {"contractID", fmt::format("{}", contract.contract_id)},
      {"gridVersion", contract.version},
      {"twinID", contract.twin_id},
      {"state", StateName(contract)},
      {"createdAt", fmt::format("{}", contract.created)},
      {"solutionProviderID", contract.solution_provider ? json::Value(*contract.solution_provider)
                                                        : json::Value(nullptr)}};
  if (contract.kind == ContractKind::kName) {
    row["name"] = contract.name;
    return row;
  }
  row["nodeID"] = contract.node_id;
  if (contract.kind == ContractKind::kRent) return row;
  row["deploymentData"] = contract.data;
  row["deploymentHash"] = contract.hash;
  row["numberOfPublicIPs"] = contract.public_ips;
  row["resourcesUsed"] = nullptr;
  return row;
}

Result<NodeFacts> ReadNodeFacts(EmbeddedLedger& ledger, Node const& node) {
  NodeFacts facts;
  TRELLIS_TRY(facts.farm, ledger.GetFarm(node.farm_id));
  TRELLIS_TRY(auto const rent, ledger.RentContract(node.id));
  if (rent) {
    if (auto contract = ledger.GetContract(*rent); contract) facts.rent = *std::move(contract);
  }
  TRELLIS_TRY(auto const used, ledger.Snapshot([&](Database& db) {
    return store::One(
        db,
        "SELECT coalesce(sum(r.cru), 0), coalesce(sum(r.sru), 0), "
        "coalesce(sum(r.hru), 0), coalesce(sum(r.mru), 0) FROM contract c JOIN "
        "resources r ON r.contract = c.id WHERE c.node = ?1 AND c.kind = 0 AND "
        "c.state <> 1",
        [](Statement const& row) {
          return NodeResources{
              .hru = row.Uint(2), .sru = row.Uint(1), .cru = row.Uint(0), .mru = row.Uint(3)};
        },
        node.id);
  }));
  facts.used = used.value_or(NodeResources{});
  return facts;
}

object ProxyNode(Node const& node, NodeFacts const& facts, NodeForm form) {
  bool const up = node.power.state == Power::kUp;
  bool const rented = facts.rent.has_value();
  object row{{"id", fmt::format("{}", node.id)},
             {"nodeId", node.id},
             {"farmId", node.farm_id},
             {"farmName", facts.farm.name},
             {"twinId", node.twin_id},
             {"country", node.location.country},
             {"city", node.location.city},
             {"gridVersion", 4},
             {"created", node.created},
             {"farmingPolicyId", 1},
             {"location", object{{"country", node.location.country},
                                 {"city", node.location.city},
                                 {"longitude", node.location.longitude},
                                 {"latitude", node.location.latitude}}},
             {"publicConfig", PublicConfigJson(node.public_config)},
             {"status", up ? "up" : "standby"},
             {"healthy", up},
             {"certificationType", "Diy"},
             {"dedicated", facts.farm.dedicated},
             {"inDedicatedFarm", facts.farm.dedicated},
             {"rentContractId", rented ? facts.rent->contract_id : 0},
             {"rentedByTwinId", rented ? facts.rent->twin_id : 0},
             {"rented", rented},
             {"rentable", !rented && facts.farm.dedicated},
             {"serialNumber", node.serial.value_or("")},
             {"power", object{{"state", up ? "Up" : "Down"},
                              {"target", node.power.target == Power::kUp ? "Up" : "Down"}}},
             {"num_gpu", 0},
             {"extraFee", 0},
             {"features", array(facts.features.begin(), facts.features.end())}};
  object resources{{"total_resources", ResourcesJson(node.resources)},
                   {"used_resources", ResourcesJson(facts.used)}};
  if (form == NodeForm::kAlone) {
    row["capacity"] = std::move(resources);
  } else {
    for (auto& [name, value] : resources)
      row[name] = std::move(value);
  }
  return row;
}

object ProxyFarm(Farm const& farm) {
  array ips;
  for (auto const& ip : farm.public_ips) {
    ips.push_back(object{{"id", ip.ip},
                         {"ip", ip.ip},
                         {"farm_id", fmt::format("{}", farm.id)},
                         {"contract_id", ip.contract_id},
                         {"gateway", ip.gateway}});
  }
  return {{"farmId", farm.id},           {"name", farm.name},
          {"twinId", farm.twin_id},      {"pricingPolicyId", 1},
          {"stellarAddress", ""},        {"certificationType", "NotCertified"},
          {"dedicated", farm.dedicated}, {"publicIps", std::move(ips)}};
}

Result<std::vector<std::uint32_t>> ListAllNodes(EmbeddedLedger& ledger) {
  return ledger.Snapshot([](Database& db) {
    return store::All(
        db, "SELECT id FROM node ORDER BY id LIMIT ?1",
        [](Statement const& row) { return static_cast<std::uint32_t>(row.Uint(0)); }, kMaxRows);
  });
}

}  // namespace trellis::ledger::facade
