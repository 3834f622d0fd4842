#include "kernel/ledger/facade/dispatch.hpp"

#include "kernel/ledger/embedded/tables.hpp"
#include "kernel/ledger/ledger.hpp"
#include "kernel/ledger/rules/refusal.hpp"
#include "kernel/ledger/substrate/objects.hpp"
#include "kernel/ledger/substrate/values.hpp"

#include <array>

namespace trellis::ledger::facade {
namespace {

using embedded::Txn;
using substrate::GetBytes;
using substrate::GetId;
using substrate::GetMember;
using substrate::GetUint;
using Apply = std::function<Result<void>(Txn&)>;
using Id = std::uint32_t;

/// A call of the ledger's own; what is wrong with its arguments shows when it runs, as on the
/// chain.
template <class Call>
Apply Ready(Result<Call> call) {
  return [call = std::move(call)](Txn& txn) -> Result<void> {
    if (!call) return tl::unexpected<Error>(call.error());
    TRELLIS_CHECK(embedded::Apply(txn, ledger::Call(*call)));
    return {};
  };
}

Result<CreateTwin> ReadCreateTwin(json::Value const& args, Account const& signer) {
  CreateTwin call;
  call.account = signer;
  TRELLIS_TRY(auto const* const relay, GetMember(args, "relay"));
  TRELLIS_TRY(call.relay, substrate::ReadMaybeText(*relay));
  TRELLIS_TRY(auto const* const pk, GetMember(args, "pk"));
  TRELLIS_TRY(call.pk, substrate::ReadPeerKey(*pk));
  return call;
}

Result<UpdateTwin> ReadUpdateTwin(json::Value const& args, Account const& signer) {
  TRELLIS_TRY(auto const same, ReadCreateTwin(args, signer));
  return UpdateTwin{.relay = same.relay, .pk = same.pk};
}

Result<CreateNodeContract> ReadCreateContract(json::Value const& args, Account const&) {
  CreateNodeContract call;
  TRELLIS_TRY(call.node, GetId<Id>(args, "node_id"));
  TRELLIS_TRY(call.hash, GetBytes(args, "deployment_hash"));
  TRELLIS_TRY(call.data, GetBytes(args, "deployment_data"));
  TRELLIS_TRY(call.public_ips, GetId<Id>(args, "public_ips"));
  if (auto const provider = GetUint(args, "solution_provider_id"); provider)
    call.solution_provider = *provider;
  return call;
}

Result<UpdateNodeContract> ReadUpdateContract(json::Value const& args, Account const&) {
  UpdateNodeContract call;
  TRELLIS_TRY(call.contract, GetUint(args, "contract_id"));
  TRELLIS_TRY(call.hash, GetBytes(args, "deployment_hash"));
  TRELLIS_TRY(call.data, GetBytes(args, "deployment_data"));
  return call;
}

Result<CancelContract> ReadCancel(json::Value const& args, Account const&) {
  TRELLIS_TRY(auto const id, GetUint(args, "contract_id"));
  return CancelContract{.contract = id};
}

Result<CreateNameContract> ReadCreateName(json::Value const& args, Account const&) {
  TRELLIS_TRY(auto name, GetBytes(args, "name"));
  return CreateNameContract{.name = std::move(name)};
}

Result<CreateRentContract> ReadCreateRent(json::Value const& args, Account const&) {
  CreateRentContract call;
  TRELLIS_TRY(call.node, GetId<Id>(args, "node_id"));
  if (auto const provider = GetUint(args, "solution_provider_id"); provider)
    call.solution_provider = *provider;
  return call;
}

Result<RegisterNode> ReadCreateNode(json::Value const& args, Account const&) {
  TRELLIS_TRY(auto spec, substrate::ReadNodeSpec(args));
  return RegisterNode{.spec = std::move(spec)};
}

Result<UpdateNode> ReadUpdateNode(json::Value const& args, Account const&) {
  UpdateNode call;
  TRELLIS_TRY(call.node, GetId<Id>(args, "node_id"));
  TRELLIS_TRY(call.spec, substrate::ReadNodeSpec(args));
  return call;
}

Result<ReportResources> ReadReportResources(json::Value const& args, Account const&) {
  TRELLIS_TRY(auto const* const list, GetMember(args, "contract_resources"));
  ReportResources call;
  for (auto const& item : list->as_array()) {
    TRELLIS_TRY(auto report, substrate::ReadResources(item));
    call.resources.push_back(report);
  }
  return call;
}

Result<ReportNru> ReadReportNru(json::Value const& args, Account const&) {
  TRELLIS_TRY(auto const* const list, GetMember(args, "reports"));
  ReportNru call;
  for (auto const& item : list->as_array()) {
    TRELLIS_TRY(auto report, substrate::ReadNru(item));
    call.reports.push_back(report);
  }
  return call;
}

Result<ReportUptime> ReadUptime(json::Value const& args, Account const&) {
  ReportUptime call;
  TRELLIS_TRY(call.uptime, GetUint(args, "uptime"));
  TRELLIS_TRY(auto const hint, GetUint(args, "timestamp_hint"));
  call.timestamp = static_cast<std::int64_t>(hint);
  return call;
}

/// The form without a time: it counts as reported now.
Apply ReadUptimeNow(json::Value const& args, Account const&) {
  return [uptime = GetUint(args, "uptime")](Txn& txn) -> Result<void> {
    if (!uptime) return tl::unexpected<Error>(uptime.error());
    TRELLIS_CHECK(
        embedded::Apply(txn, ledger::Call(ReportUptime{.uptime = *uptime, .timestamp = txn.now})));
    return {};
  };
}

Result<AddFarmIp> ReadAddIp(json::Value const& args, Account const&) {
  AddFarmIp call;
  TRELLIS_TRY(call.farm, GetId<Id>(args, "farm_id"));
  TRELLIS_TRY(call.ip, GetBytes(args, "ip"));
  TRELLIS_TRY(call.gateway, GetBytes(args, "gw"));
  return call;
}

Result<RemoveFarmIp> ReadRemoveIp(json::Value const& args, Account const&) {
  RemoveFarmIp call;
  TRELLIS_TRY(call.farm, GetId<Id>(args, "farm_id"));
  TRELLIS_TRY(call.ip, GetBytes(args, "ip"));
  return call;
}

Result<SetPowerTarget> ReadPowerTarget(json::Value const& args, Account const&) {
  SetPowerTarget call;
  TRELLIS_TRY(call.node, GetId<Id>(args, "node_id"));
  TRELLIS_TRY(auto const* const target, GetMember(args, "power_target"));
  TRELLIS_TRY(call.target, substrate::ReadPower(*target));
  return call;
}

Result<SetPowerState> ReadPowerState(json::Value const& args, Account const&) {
  TRELLIS_TRY(auto const* const state, GetMember(args, "power_state"));
  TRELLIS_TRY(auto const power, substrate::ReadPower(*state));
  return SetPowerState{.state = power};
}

Result<void> ApplyPublicConfig(Txn& txn, json::Value const& args) {
  SetPublicConfig call;
  TRELLIS_TRY(auto const farm, GetId<Id>(args, "farm_id"));
  TRELLIS_TRY(call.node, GetId<Id>(args, "node_id"));
  TRELLIS_TRY(auto const* const config, GetMember(args, "public_config"));
  TRELLIS_TRY(call.config, substrate::ReadPublicConfig(*config));
  TRELLIS_TRY(auto const node, embedded::ReadNode(txn.db, call.node));
  if (node.farm_id != farm)
    return rules::Refuse("FarmerNotAuthorized", "node {} is not of farm {}", call.node, farm);
  TRELLIS_CHECK(embedded::Apply(txn, ledger::Call(call)));
  return {};
}

Result<void> ApplyCreateFarm(Txn& txn, json::Value const& args) {
  CreateFarm call;
  TRELLIS_TRY(call.name, GetBytes(args, "name"));
  TRELLIS_TRY(auto const farm, embedded::Apply(txn, ledger::Call(call)));
  TRELLIS_TRY(auto const* const ips, GetMember(args, "public_ips"));
  for (auto const& ip : ips->as_array()) {
    AddFarmIp add;
    add.farm = ToId(farm);
    TRELLIS_TRY(add.ip, GetBytes(ip, "ip"));
    TRELLIS_TRY(add.gateway, GetBytes(ip, "gw"));
    TRELLIS_CHECK(embedded::Apply(txn, ledger::Call(add)));
  }
  return {};
}

/// A call that runs on its arguments directly.
template <Result<void> (*kApply)(Txn&, json::Value const&)>
Apply Direct(json::Value const& args, Account const&) {
  return [args](Txn& txn) { return kApply(txn, args); };
}
template <auto kRead>
Apply Plain(json::Value const& args, Account const& signer) {
  return Ready(kRead(args, signer));
}
Apply NothingToDo(json::Value const&, Account const&) {
  return [](Txn&) { return Result<void>(); };
}

struct Row {
  std::string_view pallet;
  std::string_view call;
  Apply (*make)(json::Value const&, Account const&);
};

constexpr std::array kRows{
    Row{"TfgridModule", "create_farm", Direct<ApplyCreateFarm>},
    Row{"TfgridModule", "add_farm_ip", Plain<ReadAddIp>},
    Row{"TfgridModule", "remove_farm_ip", Plain<ReadRemoveIp>},
    Row{"TfgridModule", "create_node", Plain<ReadCreateNode>},
    Row{"TfgridModule", "update_node", Plain<ReadUpdateNode>},
    Row{"TfgridModule", "report_uptime", ReadUptimeNow},
    Row{"TfgridModule", "report_uptime_v2", Plain<ReadUptime>},
    Row{"TfgridModule", "add_node_public_config", Direct<ApplyPublicConfig>},
    Row{"TfgridModule", "create_twin", Plain<ReadCreateTwin>},
    Row{"TfgridModule", "update_twin", Plain<ReadUpdateTwin>},
    // Nobody has to accept terms here; clients do before they create a twin.
    Row{"TfgridModule", "user_accept_tc", NothingToDo},
    Row{"TfgridModule", "change_power_state", Plain<ReadPowerState>},
    Row{"TfgridModule", "change_power_target", Plain<ReadPowerTarget>},
    Row{"SmartContractModule", "create_node_contract", Plain<ReadCreateContract>},
    Row{"SmartContractModule", "update_node_contract", Plain<ReadUpdateContract>},
    Row{"SmartContractModule", "cancel_contract", Plain<ReadCancel>},
    Row{"SmartContractModule", "create_name_contract", Plain<ReadCreateName>},
    Row{"SmartContractModule", "create_rent_contract", Plain<ReadCreateRent>},
    Row{"SmartContractModule", "add_nru_reports", Plain<ReadReportNru>},
    Row{"SmartContractModule", "report_contract_resources", Plain<ReadReportResources>},
};

Result<Action> ReadAction(substrate::Chosen const& pallet, Account const& signer) {
  TRELLIS_TRY(auto const call, substrate::GetChosen(*pallet.body));
  for (auto const& row : kRows) {
    if (row.pallet == pallet.name && row.call == call.name)
      return Action{std::string(pallet.name), row.make(*call.body, signer)};
  }
  return Fail(Code::kInvalid, "call {}.{} cannot be made here", pallet.name, call.name);
}

}  // namespace

Result<Dispatch> ReadCall(json::Value const& call, Account const& signer) {
  TRELLIS_TRY(auto const pallet, substrate::GetChosen(call));
  Dispatch dispatch;
  if (pallet.name != "Utility") {
    TRELLIS_TRY(auto action, ReadAction(pallet, signer));
    dispatch.actions.push_back(std::move(action));
    return dispatch;
  }
  TRELLIS_TRY(auto const batch, substrate::GetChosen(*pallet.body));
  dispatch.batch = batch.name == "batch" ? Batch::kStopAtFailure : Batch::kAllOrNothing;
  TRELLIS_TRY(auto const* const calls, GetMember(*batch.body, "calls"));
  if (!calls->is_array() || calls->get_array().size() > kMaxCalls)
    return Fail(Code::kInvalid, "more than {} calls in one batch", kMaxCalls);
  for (auto const& inner : calls->get_array()) {
    TRELLIS_TRY(auto const inner_pallet, substrate::GetChosen(inner));
    TRELLIS_TRY(auto action, ReadAction(inner_pallet, signer));
    dispatch.actions.push_back(std::move(action));
  }
  return dispatch;
}

}  // namespace trellis::ledger::facade
