#include "kernel/ledger/facade/outcome.hpp"

#include "kernel/ledger/substrate/objects.hpp"

namespace trellis::ledger::facade {
namespace {

using boost::json::array;
using boost::json::object;

/// An object of the ledger in an event, as the chain writes it; null when it cannot be read.
template <class T>
json::Value Body(Event const& event) {
  T stored{};
  if (!json::Decode(event.body, stored)) return nullptr;
  return substrate::ToChain(stored);
}

json::Value Tfgrid(std::string_view name, json::Value body) {
  return object{{"TfgridModule", object{{name, std::move(body)}}}};
}
json::Value Contracts(std::string_view name, json::Value body) {
  return object{{"SmartContractModule", object{{name, std::move(body)}}}};
}

object WholeContract(Event const& event) {
  return {{"contract_id", event.contract}, {"node_id", event.node}, {"twin_id", event.twin}};
}
object Addresses(Event const& event) {
  return {{"contract_id", event.contract}, {"public_ips", Body<std::vector<PublicIp>>(event)}};
}

json::Value PowerTarget(Event const& event, std::uint32_t farm) {
  PowerText target;
  (void)json::Decode(event.body, target);  // written by this program
  return object{{"farm_id", farm},
                {"node_id", event.node},
                {"power_target", substrate::ToChain(target.value)}};
}

json::Value PowerState(Event const& event) {
  Node node;
  (void)json::Decode(event.body, node);  // written by this program
  bool const up = node.power.state == Power::kUp;
  return object{{"farm_id", node.farm_id},
                {"node_id", event.node},
                {"power_state", up ? json::Value("Up") : object{{"Down", event.height}}}};
}

json::Value GraceStarted(Event const& event) {
  auto body = WholeContract(event);
  body["block_number"] = event.height;
  return body;
}

json::Value ToChainEvent(Event const& event,
                         std::function<std::uint32_t(std::uint32_t)> const& farm_of) {
  switch (event.kind.value) {
    case EventKind::kTwinStored:
      return Tfgrid("TwinStored", Body<Twin>(event));
    case EventKind::kTwinUpdated:
      return Tfgrid("TwinUpdated", Body<Twin>(event));
    case EventKind::kFarmStored:
      return Tfgrid("FarmStored", Body<Farm>(event));
    case EventKind::kFarmUpdated:
      return Tfgrid("FarmUpdated", Body<Farm>(event));
    case EventKind::kNodeStored:
      return Tfgrid("NodeStored", Body<Node>(event));
    case EventKind::kNodeUpdated:
      return Tfgrid("NodeUpdated", Body<Node>(event));
    case EventKind::kNodePublicConfigStored:
      return Tfgrid("NodePublicConfigStored",
                    array{event.node, Body<std::optional<PublicConfig>>(event)});
    case EventKind::kPowerTargetChanged:
      return Tfgrid("PowerTargetChanged", PowerTarget(event, farm_of(event.node)));
    case EventKind::kPowerStateChanged:
      return Tfgrid("PowerStateChanged", PowerState(event));
    case EventKind::kContractCreated:
      return Contracts("ContractCreated", Body<Contract>(event));
    case EventKind::kContractUpdated:
      return Contracts("ContractUpdated", Body<Contract>(event));
    case EventKind::kNodeContractCanceled:
      return Contracts("NodeContractCanceled", WholeContract(event));
    case EventKind::kNameContractCanceled:
      return Contracts("NameContractCanceled", object{{"contract_id", event.contract}});
    case EventKind::kRentContractCanceled:
      return Contracts("RentContractCanceled", object{{"contract_id", event.contract}});
    case EventKind::kIpsReserved:
      return Contracts("IPsReserved", Addresses(event));
    case EventKind::kIpsFreed:
      return Contracts("IPsFreed", Addresses(event));
    case EventKind::kContractGracePeriodStarted:
      return Contracts("ContractGracePeriodStarted", GraceStarted(event));
    case EventKind::kContractGracePeriodEnded:
      return Contracts("ContractGracePeriodEnded", WholeContract(event));
    case EventKind::kItemCompleted:
      return object{{"Utility", "ItemCompleted"}};
    case EventKind::kBatchCompleted:
      return object{{"Utility", "BatchCompleted"}};
  }
  return nullptr;
}

json::Value DispatchInfo() {
  return object{{"weight", object{{"ref_time", 0}, {"proof_size", 0}}},
                {"class", "Normal"},
                {"pays_fee", "No"}};
}

/// The pallet that has the error, and its number there. The same name may stand in two pallets:
/// the one of the call counts.
std::optional<std::pair<std::uint8_t, std::uint8_t>> FindError(Runtime const& runtime,
                                                               Outcome const& outcome) {
  auto const& metadata = runtime.metadata;
  auto const* const own = metadata.FindPallet(outcome.pallet);
  if (own != nullptr) {
    if (auto const* const error = metadata.FindVariant(own->errors, outcome.error))
      return std::pair(own->index, error->index);
  }
  for (auto const& pallet : metadata.pallets) {
    if (auto const* const error = metadata.FindVariant(pallet.errors, outcome.error))
      return std::pair(pallet.index, error->index);
  }
  return std::nullopt;
}

json::Value DispatchError(Runtime const& runtime, Outcome const& outcome) {
  auto const found = FindError(runtime, outcome);
  if (!found) return "Other";
  std::string number(4, '\0');
  number[0] = static_cast<char>(found->second);
  return object{{"Module", object{{"index", found->first}, {"error", number}}}};
}

}  // namespace

std::string NameOfRefusal(Runtime const& runtime, Error const& error) {
  Outcome outcome;
  outcome.error = error.message.substr(0, error.message.find(':'));
  return FindError(runtime, outcome) ? outcome.error : "";
}

json::Value EventRecords(Runtime const& runtime, embedded::Block const& block,
                         std::vector<Event> const& events,
                         std::function<std::uint32_t(std::uint32_t)> const& farm_of) {
  bool const signed_one = !block.extrinsic.empty();
  json::Value const phase =
      signed_one ? json::Value(object{{"ApplyExtrinsic", 1}}) : json::Value("Initialization");
  array records;
  auto const add = [&](json::Value event) {
    records.push_back(object{{"phase", phase}, {"event", std::move(event)}, {"topics", array()}});
  };
  for (auto const& event : events)
    add(ToChainEvent(event, farm_of));
  if (!signed_one) return records;
  auto const outcome = json::Parse<Outcome>(block.outcome).value_or(Outcome());
  if (outcome.interrupted_at) {
    add(object{{"Utility",
                object{{"BatchInterrupted", object{{"index", *outcome.interrupted_at},
                                                   {"error", DispatchError(runtime, outcome)}}}}}});
  }
  if (outcome.error.empty() || outcome.interrupted_at) {
    add(object{
        {"System", object{{"ExtrinsicSuccess", object{{"dispatch_info", DispatchInfo()}}}}}});
  } else {
    add(object{{"System", object{{"ExtrinsicFailed",
                                  object{{"dispatch_error", DispatchError(runtime, outcome)},
                                         {"dispatch_info", DispatchInfo()}}}}}});
  }
  return records;
}

}  // namespace trellis::ledger::facade
