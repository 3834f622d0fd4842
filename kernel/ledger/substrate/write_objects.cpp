#include "kernel/ledger/substrate/objects.hpp"
#include "kernel/ledger/substrate/values.hpp"

#include <algorithm>
#include <array>

namespace trellis::ledger::substrate {
namespace {

using boost::json::array;
using boost::json::object;

// Versions of the layouts.
constexpr std::uint32_t kFarmVersion = 4;
constexpr std::uint32_t kNodeVersion = 6;
constexpr std::array<std::string_view, 3> kCauses{"CanceledByUser", "OutOfFunds",
                                                  "CanceledByCollective"};

template <std::size_t N>
json::Value Raw(std::array<std::uint8_t, N> const& bytes) {
  return boost::json::string(crypto::AsText(bytes));
}

json::Value Maybe(std::optional<std::string> const& text) {
  return text ? json::Value(*text) : json::Value(nullptr);
}
json::Value Maybe(std::optional<std::uint64_t> const& number) {
  return number ? json::Value(*number) : json::Value(nullptr);
}

json::Value ResourcesOf(NodeResources const& resources) {
  return object{{"hru", resources.hru},
                {"sru", resources.sru},
                {"cru", resources.cru},
                {"mru", resources.mru}};
}
json::Value AddressOf(IpConfig const& config) {
  return object{{"ip", config.ip}, {"gw", config.gw}};
}

template <class T>
json::Value List(std::vector<T> const& items, json::Value (*convert)(T const&)) {
  array list;
  for (auto const& item : items)
    list.push_back(convert(item));
  return list;
}

json::Value StateOf(Contract const& contract) {
  switch (contract.state.value) {
    case ContractState::kDeleted: {
      auto const cause = std::min<std::size_t>(contract.state_arg, kCauses.size() - 1);
      return object{{"Deleted", kCauses[cause]}};
    }
    case ContractState::kGracePeriod:
      return object{{"GracePeriod", contract.state_arg}};
    case ContractState::kCreated:
      break;
  }
  return "Created";
}

json::Value KindOf(Contract const& contract) {
  switch (contract.kind.value) {
    case ContractKind::kName:
      return object{{"NameContract", object{{"name", contract.name}}}};
    case ContractKind::kRent:
      return object{{"RentContract", object{{"node_id", contract.node_id}}}};
    case ContractKind::kNode:
      break;
  }
  return object{{"NodeContract", object{{"node_id", contract.node_id},
                                        {"deployment_hash", contract.hash},
                                        {"deployment_data", contract.data},
                                        {"public_ips", contract.public_ips},
                                        {"public_ips_list", ToChain(contract.public_ips_list)}}}};
}

}  // namespace

json::Value ToChain(Account const& account) {
  return Raw(account.bytes);
}

json::Value ToChain(Twin const& twin) {
  return object{{"id", twin.id},
                {"account_id", ToChain(twin.account)},
                {"relay", Maybe(twin.relay)},
                {"entities", array()},
                {"pk", twin.pk ? Raw(twin.pk->bytes) : json::Value(nullptr)}};
}

json::Value ToChain(PublicIp const& ip) {
  return object{{"ip", ip.ip}, {"gateway", ip.gateway}, {"contract_id", ip.contract_id}};
}
json::Value ToChain(std::vector<PublicIp> const& ips) {
  return List<PublicIp>(ips, &ToChain);
}

json::Value ToChain(Farm const& farm) {
  return object{{"version", kFarmVersion},
                {"id", farm.id},
                {"name", farm.name},
                {"twin_id", farm.twin_id},
                {"pricing_policy_id", 1},
                {"certification", "NotCertified"},
                {"public_ips", ToChain(farm.public_ips)},
                {"dedicated_farm", farm.dedicated},
                {"farming_policy_limits", nullptr}};
}

json::Value ToChain(PublicConfig const& config) {
  return object{{"ip4", AddressOf(config.ip4)},
                {"ip6", config.ip6 ? AddressOf(*config.ip6) : json::Value(nullptr)},
                {"domain", Maybe(config.domain)}};
}
json::Value ToChain(std::optional<PublicConfig> const& config) {
  return config ? ToChain(*config) : json::Value(nullptr);
}

boost::json::object ToChain(NodeSpec const& spec) {
  array interfaces;
  for (auto const& interface : spec.interfaces) {
    interfaces.push_back(object{{"name", interface.name},
                                {"mac", interface.mac},
                                {"ips", array(interface.ips.begin(), interface.ips.end())}});
  }
  return {{"farm_id", spec.farm_id},
          {"resources", ResourcesOf(spec.resources)},
          {"location", object{{"city", spec.location.city},
                              {"country", spec.location.country},
                              {"latitude", spec.location.latitude},
                              {"longitude", spec.location.longitude}}},
          {"interfaces", std::move(interfaces)},
          {"secure_boot", spec.secure_boot},
          {"virtualized", spec.virtualized},
          {"serial_number", Maybe(spec.serial)}};
}

json::Value ToChain(Node const& node) {
  auto value = ToChain(static_cast<NodeSpec const&>(node));
  value["version"] = kNodeVersion;
  value["id"] = node.id;
  value["twin_id"] = node.twin_id;
  value["public_config"] = ToChain(node.public_config);
  value["created"] = static_cast<std::uint64_t>(std::max<std::int64_t>(node.created, 0));
  value["farming_policy_id"] = 1;
  value["certification"] = "Diy";
  value["connection_price"] = 0;
  return value;
}

json::Value ToChain(Power power) {
  return power == Power::kUp ? "Up" : "Down";
}
json::Value ToChain(NodePower const& power) {
  json::Value state = "Up";
  if (power.state == Power::kDown) state = object{{"Down", 0}};
  return object{{"state", state}, {"target", ToChain(power.target.value)}};
}

json::Value ToChain(Contract const& contract) {
  return object{{"version", contract.version},
                {"state", StateOf(contract)},
                {"contract_id", contract.contract_id},
                {"twin_id", contract.twin_id},
                {"contract_type", KindOf(contract)},
                {"solution_provider_id", Maybe(contract.solution_provider)}};
}

json::Value ToChain(ContractResources const& report) {
  return object{
      {"contract_id", report.contract},
      {"used",
       object{{"hru", report.hru}, {"sru", report.sru}, {"cru", report.cru}, {"mru", report.mru}}}};
}

json::Value ToChain(NruReport const& report) {
  return object{{"contract_id", report.contract},
                {"timestamp", report.timestamp},
                {"window", report.window},
                {"nru", report.nru}};
}

}  // namespace trellis::ledger::substrate
