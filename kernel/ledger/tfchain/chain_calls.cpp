#include "kernel/ledger/tfchain/chain_calls.hpp"

#include "kernel/ledger/rules/refusal.hpp"
#include "kernel/ledger/substrate/objects.hpp"

#include <array>

namespace trellis::ledger::tfchain {
namespace {

using boost::json::array;
using boost::json::object;
using substrate::GetId;
using substrate::GetUint;
using substrate::ToChain;
using FarmOf = std::function<Result<std::uint32_t>(std::uint32_t)>;

json::Value Tfgrid(std::string_view call, object args) {
  return object{{"TfgridModule", object{{call, std::move(args)}}}};
}
json::Value Contracts(std::string_view call, object args) {
  return object{{"SmartContractModule", object{{call, std::move(args)}}}};
}

json::Value Maybe(std::optional<std::string> const& text) {
  return text ? json::Value(*text) : json::Value(nullptr);
}
json::Value Maybe(std::optional<std::uint64_t> const& number) {
  return number ? json::Value(*number) : json::Value(nullptr);
}
json::Value Maybe(std::optional<PeerKey> const& pk) {
  if (!pk) return nullptr;
  return boost::json::string(crypto::AsText(pk->bytes));
}

struct CallMaker {
  FarmOf const& farm_of;

  Result<json::Value> operator()(CreateTwin const& call) const {
    return Tfgrid("create_twin", {{"relay", Maybe(call.relay)}, {"pk", Maybe(call.pk)}});
  }
  Result<json::Value> operator()(UpdateTwin const& call) const {
    return Tfgrid("update_twin", {{"relay", Maybe(call.relay)}, {"pk", Maybe(call.pk)}});
  }
  Result<json::Value> operator()(CreateNodeContract const& call) const {
    if (call.hash.size() != kHashBytes)
      return rules::Refuse("HashNotValid", "hash is not {} characters", kHashBytes);
    return Contracts("create_node_contract",
                     {{"node_id", call.node},
                      {"deployment_hash", call.hash},
                      {"deployment_data", call.data},
                      {"public_ips", call.public_ips},
                      {"solution_provider_id", Maybe(call.solution_provider)}});
  }
  Result<json::Value> operator()(UpdateNodeContract const& call) const {
    if (call.hash.size() != kHashBytes)
      return rules::Refuse("HashNotValid", "hash is not {} characters", kHashBytes);
    return Contracts("update_node_contract", {{"contract_id", call.contract},
                                              {"deployment_hash", call.hash},
                                              {"deployment_data", call.data}});
  }
  Result<json::Value> operator()(CancelContract const& call) const {
    return Contracts("cancel_contract", {{"contract_id", call.contract}});
  }
  Result<json::Value> operator()(CreateNameContract const& call) const {
    return Contracts("create_name_contract", {{"name", call.name}});
  }
  Result<json::Value> operator()(CreateRentContract const& call) const {
    return Contracts(
        "create_rent_contract",
        {{"node_id", call.node}, {"solution_provider_id", Maybe(call.solution_provider)}});
  }
  Result<json::Value> operator()(RegisterNode const& call) const {
    return Tfgrid("create_node", ToChain(call.spec));
  }
  Result<json::Value> operator()(UpdateNode const& call) const {
    auto args = ToChain(call.spec);
    args["node_id"] = call.node;
    return Tfgrid("update_node", std::move(args));
  }
  Result<json::Value> operator()(ReportResources const& call) const {
    array reports;
    for (auto const& report : call.resources)
      reports.push_back(ToChain(report));
    return Contracts("report_contract_resources", {{"contract_resources", std::move(reports)}});
  }
  Result<json::Value> operator()(ReportNru const& call) const {
    array reports;
    for (auto const& report : call.reports)
      reports.push_back(ToChain(report));
    return Contracts("add_nru_reports", {{"reports", std::move(reports)}});
  }
  Result<json::Value> operator()(ReportUptime const& call) const {
    if (call.timestamp < 0)
      return rules::Refuse("InvalidTimestampHint", "timestamp is before 1970");
    return Tfgrid("report_uptime_v2",
                  {{"uptime", call.uptime}, {"timestamp_hint", call.timestamp}});
  }
  Result<json::Value> operator()(CreateFarm const& call) const {
    return Tfgrid("create_farm", {{"name", call.name}, {"public_ips", array()}});
  }
  Result<json::Value> operator()(AddFarmIp const& call) const {
    return Tfgrid("add_farm_ip", {{"farm_id", call.farm}, {"ip", call.ip}, {"gw", call.gateway}});
  }
  Result<json::Value> operator()(RemoveFarmIp const& call) const {
    return Tfgrid("remove_farm_ip", {{"farm_id", call.farm}, {"ip", call.ip}});
  }
  Result<json::Value> operator()(SetPublicConfig const& call) const {
    TRELLIS_TRY(auto const farm, farm_of(call.node));
    return Tfgrid(
        "add_node_public_config",
        {{"farm_id", farm}, {"node_id", call.node}, {"public_config", ToChain(call.config)}});
  }
  Result<json::Value> operator()(SetPowerTarget const& call) const {
    return Tfgrid("change_power_target",
                  {{"node_id", call.node}, {"power_target", ToChain(call.target.value)}});
  }
  Result<json::Value> operator()(SetPowerState const& call) const {
    return Tfgrid("change_power_state", {{"power_state", ToChain(call.state.value)}});
  }
  Result<json::Value> operator()(StartGrace const&) const { return NotOurs(); }
  Result<json::Value> operator()(EndGrace const&) const { return NotOurs(); }
  Result<json::Value> operator()(DeleteOutOfFunds const&) const { return NotOurs(); }
  Result<json::Value> operator()(SetVerified const&) const { return NotOurs(); }

 private:
  static tl::unexpected<Error> NotOurs() {
    return rules::Refuse("AdminOnly", "the chain does this by itself");
  }
};

// ---- events ----

template <class T>
Result<Event> Whole(EventKind kind, Result<T> const& object, std::uint32_t T::*twin) {
  TRELLIS_CHECK(object);
  Event event;
  event.kind = kind;
  event.twin = (*object).*twin;
  event.body = json::Encode(*object);
  return event;
}

Result<Event> TwinEvent(EventKind kind, json::Value const& body) {
  return Whole(kind, substrate::ReadTwin(body), &Twin::id);
}
Result<Event> FarmEvent(EventKind kind, json::Value const& body) {
  return Whole(kind, substrate::ReadFarm(body), &Farm::twin_id);
}
Result<Event> NodeEvent(EventKind kind, json::Value const& body) {
  auto const node = substrate::ReadNode(body);
  TRELLIS_TRY(auto event, Whole(kind, node, &Node::twin_id));
  event.node = node->id;
  return event;
}
Result<Event> ContractEvent(EventKind kind, json::Value const& body) {
  auto const contract = substrate::ReadContract(body);
  TRELLIS_TRY(auto event, Whole(kind, contract, &Contract::twin_id));
  event.node = contract->node_id;
  event.contract = contract->contract_id;
  return event;
}
/// `{contract_id, node_id?, twin_id?, ..}`.
Result<Event> About(EventKind kind, json::Value const& body) {
  Event event;
  event.kind = kind;
  TRELLIS_TRY(event.contract, GetUint(body, "contract_id"));
  event.node = GetId<std::uint32_t>(body, "node_id").value_or(0);
  event.twin = GetId<std::uint32_t>(body, "twin_id").value_or(0);
  return event;
}
Result<Event> GraceEvent(EventKind kind, json::Value const& body) {
  TRELLIS_TRY(auto event, About(kind, body));
  TRELLIS_TRY(auto const since, GetUint(body, "block_number"));
  event.body = since;
  return event;
}
Result<Event> IpsEvent(EventKind kind, json::Value const& body) {
  TRELLIS_TRY(auto event, About(kind, body));
  TRELLIS_TRY(auto const* const list, substrate::GetMember(body, "public_ips"));
  TRELLIS_TRY(auto const ips, substrate::ReadPublicIps(*list));
  event.body = json::Encode(ips);
  return event;
}
Result<Event> ConfigEvent(EventKind kind, json::Value const& body) {
  auto const* const pair = body.if_array();
  if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_uint64())
    return Fail(Code::kDecode, "configuration event without node");
  Event event;
  event.kind = kind;
  event.node = static_cast<std::uint32_t>((*pair)[0].get_uint64());
  TRELLIS_TRY(auto const config, substrate::ReadPublicConfig((*pair)[1]));
  event.body = json::Encode(config);
  return event;
}
Result<Event> PowerEvent(EventKind kind, json::Value const& body) {
  Event event;
  event.kind = kind;
  TRELLIS_TRY(event.node, GetId<std::uint32_t>(body, "node_id"));
  bool const target = kind == EventKind::kPowerTargetChanged;
  TRELLIS_TRY(auto const* const member,
              substrate::GetMember(body, target ? "power_target" : "power_state"));
  TRELLIS_TRY(auto const power, substrate::ReadPower(*member));
  event.body = json::Encode(PowerText(power));
  return event;
}
Result<Event> Bare(EventKind kind, json::Value const&) {
  Event event;
  event.kind = kind;
  return event;
}

struct Row {
  std::string_view pallet;
  std::string_view name;
  EventKind kind;
  Result<Event> (*make)(EventKind, json::Value const&);
};
constexpr std::array kRows{
    Row{"TfgridModule", "TwinStored", EventKind::kTwinStored, TwinEvent},
    Row{"TfgridModule", "TwinUpdated", EventKind::kTwinUpdated, TwinEvent},
    Row{"TfgridModule", "FarmStored", EventKind::kFarmStored, FarmEvent},
    Row{"TfgridModule", "FarmUpdated", EventKind::kFarmUpdated, FarmEvent},
    Row{"TfgridModule", "NodeStored", EventKind::kNodeStored, NodeEvent},
    Row{"TfgridModule", "NodeUpdated", EventKind::kNodeUpdated, NodeEvent},
    Row{"TfgridModule", "NodePublicConfigStored", EventKind::kNodePublicConfigStored, ConfigEvent},
    Row{"TfgridModule", "PowerTargetChanged", EventKind::kPowerTargetChanged, PowerEvent},
    Row{"TfgridModule", "PowerStateChanged", EventKind::kPowerStateChanged, PowerEvent},
    Row{"SmartContractModule", "ContractCreated", EventKind::kContractCreated, ContractEvent},
    Row{"SmartContractModule", "ContractUpdated", EventKind::kContractUpdated, ContractEvent},
    Row{"SmartContractModule", "NodeContractCanceled", EventKind::kNodeContractCanceled, About},
    Row{"SmartContractModule", "NameContractCanceled", EventKind::kNameContractCanceled, About},
    Row{"SmartContractModule", "RentContractCanceled", EventKind::kRentContractCanceled, About},
    Row{"SmartContractModule", "IPsReserved", EventKind::kIpsReserved, IpsEvent},
    Row{"SmartContractModule", "IPsFreed", EventKind::kIpsFreed, IpsEvent},
    Row{"SmartContractModule", "ContractGracePeriodStarted", EventKind::kContractGracePeriodStarted,
        GraceEvent},
    Row{"SmartContractModule", "ContractGracePeriodEnded", EventKind::kContractGracePeriodEnded,
        About},
    Row{"Utility", "ItemCompleted", EventKind::kItemCompleted, Bare},
    Row{"Utility", "BatchCompleted", EventKind::kBatchCompleted, Bare},
};

}  // namespace

Result<json::Value> ToChainCall(Call const& call, FarmOf const& farm_of) {
  return std::visit(CallMaker{farm_of}, call);
}

Result<std::optional<Event>> ToEvent(json::Value const& event) {
  TRELLIS_TRY(auto const pallet, substrate::GetChosen(event));
  auto const chosen = substrate::GetChosen(*pallet.body);
  if (!chosen) return std::optional<Event>();
  for (auto const& row : kRows) {
    if (row.pallet != pallet.name || row.name != chosen->name) continue;
    TRELLIS_TRY(auto made, row.make(row.kind, *chosen->body));
    return std::optional(std::move(made));
  }
  return std::optional<Event>();
}

std::uint64_t NewId(Event const& event) {
  switch (event.kind.value) {
    case EventKind::kTwinStored:
      return event.twin;
    case EventKind::kNodeStored:
      return event.node;
    case EventKind::kContractCreated:
      return event.contract;
    case EventKind::kFarmStored: {
      Farm farm;
      (void)json::Decode(event.body, farm);  // encoded above
      return farm.id;
    }
    default:
      return 0;
  }
}

std::string ErrorName(ChainRuntime const& runtime, json::Value const& dispatch_error) {
  auto const chosen = substrate::GetChosen(dispatch_error);
  if (!chosen) return "Other";
  auto const index = GetId<std::uint8_t>(*chosen->body, "index");
  if (chosen->name != "Module" || !index) return std::string(chosen->name);
  auto const number = substrate::GetBytes(*chosen->body, "error");
  auto const* const pallet = runtime.metadata.FindPallet(*index);
  if (!number || number->empty() || pallet == nullptr) return "Other";
  auto const* const error =
      runtime.metadata.FindVariant(pallet->errors, static_cast<std::uint8_t>(number->front()));
  return error == nullptr ? "Other" : error->name;
}

}  // namespace trellis::ledger::tfchain
