#include "kernel/ledger/rules/refusal.hpp"
#include "kernel/ledger/substrate/objects.hpp"
#include "kernel/ledger/substrate/values.hpp"

#include <algorithm>
#include <array>

namespace trellis::ledger::substrate {
namespace {

constexpr std::array<std::string_view, 3> kCauses{"CanceledByUser", "OutOfFunds",
                                                  "CanceledByCollective"};

Result<NodeResources> ReadNodeResources(json::Value const& value) {
  NodeResources resources;
  TRELLIS_TRY(resources.hru, GetUint(value, "hru"));
  TRELLIS_TRY(resources.sru, GetUint(value, "sru"));
  TRELLIS_TRY(resources.cru, GetUint(value, "cru"));
  TRELLIS_TRY(resources.mru, GetUint(value, "mru"));
  return resources;
}

Result<IpConfig> ReadIpConfig(json::Value const& value) {
  IpConfig config;
  TRELLIS_TRY(config.ip, GetBytes(value, "ip"));
  TRELLIS_TRY(config.gw, GetBytes(value, "gw"));
  return config;
}

Result<std::vector<NodeInterface>> ReadInterfaces(json::Value const& value) {
  std::vector<NodeInterface> interfaces;
  if (!value.is_array()) return Fail(Code::kDecode, "interfaces are not a list");
  for (auto const& item : value.get_array()) {
    auto& read = interfaces.emplace_back();
    TRELLIS_TRY(read.name, GetBytes(item, "name"));
    TRELLIS_TRY(read.mac, GetBytes(item, "mac"));
    TRELLIS_TRY(auto const* const ips, GetMember(item, "ips"));
    if (!ips->is_array()) return Fail(Code::kDecode, "addresses are not a list");
    for (auto const& ip : ips->get_array())
      if (ip.is_string()) read.ips.emplace_back(std::string_view(ip.get_string()));
  }
  return interfaces;
}

Result<void> ReadState(json::Value const& value, Contract& contract) {
  TRELLIS_TRY(auto const chosen, GetChosen(value));
  if (chosen.name == "Created") return {};
  if (chosen.name == "GracePeriod" && chosen.body->is_uint64()) {
    contract.state = ContractState::kGracePeriod;
    contract.state_arg = chosen.body->get_uint64();
    return {};
  }
  if (chosen.name != "Deleted")
    return Fail(Code::kDecode, "contract state '{}' is not known", chosen.name);
  contract.state = ContractState::kDeleted;
  TRELLIS_TRY(auto const cause, GetChosen(*chosen.body));
  auto const found = std::ranges::find(kCauses, cause.name);
  contract.state_arg = static_cast<std::uint64_t>(found - kCauses.begin());
  return {};
}

Result<void> ReadKind(json::Value const& value, Contract& contract) {
  TRELLIS_TRY(auto const chosen, GetChosen(value));
  auto const& body = *chosen.body;
  if (chosen.name == "NameContract") {
    contract.kind = ContractKind::kName;
    TRELLIS_TRY(contract.name, GetBytes(body, "name"));
    return {};
  }
  if (chosen.name == "RentContract") {
    contract.kind = ContractKind::kRent;
    TRELLIS_TRY(contract.node_id, GetId<std::uint32_t>(body, "node_id"));
    return {};
  }
  if (chosen.name != "NodeContract")
    return Fail(Code::kDecode, "contract type '{}' is not known", chosen.name);
  contract.kind = ContractKind::kNode;
  TRELLIS_TRY(contract.node_id, GetId<std::uint32_t>(body, "node_id"));
  TRELLIS_TRY(contract.hash, GetBytes(body, "deployment_hash"));
  TRELLIS_TRY(contract.data, GetBytes(body, "deployment_data"));
  TRELLIS_TRY(contract.public_ips, GetId<std::uint32_t>(body, "public_ips"));
  TRELLIS_TRY(auto const* const ips, GetMember(body, "public_ips_list"));
  TRELLIS_TRY(contract.public_ips_list, ReadPublicIps(*ips));
  return {};
}

}  // namespace

Result<Account> ReadAccount(json::Value const& value) {
  if (!value.is_string()) return Fail(Code::kDecode, "account is not bytes");
  Account account;
  TRELLIS_TRY(account.bytes,
              crypto::Exactly<32>(crypto::AsBytes(std::string_view(value.get_string()))));
  return account;
}

Result<std::optional<std::string>> ReadMaybeText(json::Value const& value) {
  if (value.is_null()) return std::optional<std::string>();
  if (!value.is_string()) return Fail(Code::kDecode, "value is not bytes");
  return std::optional(std::string(std::string_view(value.get_string())));
}

Result<std::optional<PeerKey>> ReadPeerKey(json::Value const& value) {
  TRELLIS_TRY(auto const text, ReadMaybeText(value));
  if (!text) return std::optional<PeerKey>();
  PeerKey key;
  if (text->size() != key.bytes.size())
    return rules::Refuse("InvalidPublicKey", "pk has {} bytes, not {}", text->size(),
                         key.bytes.size());
  std::copy(text->begin(), text->end(), key.bytes.begin());
  return std::optional(key);
}

Result<Twin> ReadTwin(json::Value const& value) {
  Twin twin;
  TRELLIS_TRY(twin.id, GetId<std::uint32_t>(value, "id"));
  TRELLIS_TRY(auto const* const account, GetMember(value, "account_id"));
  TRELLIS_TRY(twin.account, ReadAccount(*account));
  TRELLIS_TRY(auto const* const relay, GetMember(value, "relay"));
  TRELLIS_TRY(twin.relay, ReadMaybeText(*relay));
  TRELLIS_TRY(auto const* const pk, GetMember(value, "pk"));
  // A key of another length is of no use; the twin is.
  twin.pk = ReadPeerKey(*pk).value_or(std::nullopt);
  return twin;
}

Result<std::vector<PublicIp>> ReadPublicIps(json::Value const& value) {
  if (!value.is_array()) return Fail(Code::kDecode, "addresses are not a list");
  std::vector<PublicIp> ips;
  for (auto const& item : value.get_array()) {
    auto& ip = ips.emplace_back();
    TRELLIS_TRY(ip.ip, GetBytes(item, "ip"));
    TRELLIS_TRY(ip.gateway, GetBytes(item, "gateway"));
    TRELLIS_TRY(ip.contract_id, GetUint(item, "contract_id"));
  }
  return ips;
}

Result<Farm> ReadFarm(json::Value const& value) {
  Farm farm;
  TRELLIS_TRY(farm.id, GetId<std::uint32_t>(value, "id"));
  TRELLIS_TRY(farm.name, GetBytes(value, "name"));
  TRELLIS_TRY(farm.twin_id, GetId<std::uint32_t>(value, "twin_id"));
  TRELLIS_TRY(auto const* const ips, GetMember(value, "public_ips"));
  TRELLIS_TRY(farm.public_ips, ReadPublicIps(*ips));
  TRELLIS_TRY(auto const* const dedicated, GetMember(value, "dedicated_farm"));
  farm.dedicated = dedicated->is_bool() && dedicated->get_bool();
  return farm;
}

Result<std::optional<PublicConfig>> ReadPublicConfig(json::Value const& value) {
  if (value.is_null()) return std::optional<PublicConfig>();
  PublicConfig config;
  TRELLIS_TRY(auto const* const ip4, GetMember(value, "ip4"));
  TRELLIS_TRY(config.ip4, ReadIpConfig(*ip4));
  TRELLIS_TRY(auto const* const ip6, GetMember(value, "ip6"));
  if (!ip6->is_null()) {
    TRELLIS_TRY(config.ip6, ReadIpConfig(*ip6));
  }
  TRELLIS_TRY(auto const* const domain, GetMember(value, "domain"));
  TRELLIS_TRY(config.domain, ReadMaybeText(*domain));
  return std::optional(std::move(config));
}

Result<NodeSpec> ReadNodeSpec(json::Value const& arguments) {
  NodeSpec spec;
  TRELLIS_TRY(spec.farm_id, GetId<std::uint32_t>(arguments, "farm_id"));
  TRELLIS_TRY(auto const* const resources, GetMember(arguments, "resources"));
  TRELLIS_TRY(spec.resources, ReadNodeResources(*resources));
  TRELLIS_TRY(auto const* const location, GetMember(arguments, "location"));
  TRELLIS_TRY(spec.location.city, GetBytes(*location, "city"));
  TRELLIS_TRY(spec.location.country, GetBytes(*location, "country"));
  TRELLIS_TRY(spec.location.latitude, GetBytes(*location, "latitude"));
  TRELLIS_TRY(spec.location.longitude, GetBytes(*location, "longitude"));
  TRELLIS_TRY(auto const* const interfaces, GetMember(arguments, "interfaces"));
  TRELLIS_TRY(spec.interfaces, ReadInterfaces(*interfaces));
  TRELLIS_TRY(auto const* const secure, GetMember(arguments, "secure_boot"));
  spec.secure_boot = secure->is_bool() && secure->get_bool();
  TRELLIS_TRY(auto const* const virtualized, GetMember(arguments, "virtualized"));
  spec.virtualized = virtualized->is_bool() && virtualized->get_bool();
  TRELLIS_TRY(auto const* const serial, GetMember(arguments, "serial_number"));
  TRELLIS_TRY(spec.serial, ReadMaybeText(*serial));
  return spec;
}

Result<Node> ReadNode(json::Value const& value) {
  Node node;
  TRELLIS_TRY(static_cast<NodeSpec&>(node), ReadNodeSpec(value));
  TRELLIS_TRY(node.id, GetId<std::uint32_t>(value, "id"));
  TRELLIS_TRY(node.twin_id, GetId<std::uint32_t>(value, "twin_id"));
  TRELLIS_TRY(auto const* const config, GetMember(value, "public_config"));
  TRELLIS_TRY(node.public_config, ReadPublicConfig(*config));
  TRELLIS_TRY(auto const created, GetUint(value, "created"));
  node.created = static_cast<std::int64_t>(created);
  return node;
}

Result<Power> ReadPower(json::Value const& value) {
  TRELLIS_TRY(auto const chosen, GetChosen(value));
  return chosen.name == "Up" ? Power::kUp : Power::kDown;
}

Result<NodePower> ReadNodePower(json::Value const& value) {
  NodePower power;
  TRELLIS_TRY(auto const* const state, GetMember(value, "state"));
  TRELLIS_TRY(power.state, ReadPower(*state));
  TRELLIS_TRY(auto const* const target, GetMember(value, "target"));
  TRELLIS_TRY(power.target, ReadPower(*target));
  return power;
}

Result<Contract> ReadContract(json::Value const& value) {
  Contract contract;
  TRELLIS_TRY(contract.version, GetId<std::uint32_t>(value, "version"));
  TRELLIS_TRY(contract.contract_id, GetUint(value, "contract_id"));
  TRELLIS_TRY(contract.twin_id, GetId<std::uint32_t>(value, "twin_id"));
  TRELLIS_TRY(auto const* const state, GetMember(value, "state"));
  TRELLIS_CHECK(ReadState(*state, contract));
  TRELLIS_TRY(auto const* const kind, GetMember(value, "contract_type"));
  TRELLIS_CHECK(ReadKind(*kind, contract));
  TRELLIS_TRY(auto const* const provider, GetMember(value, "solution_provider_id"));
  if (provider->is_uint64()) contract.solution_provider = provider->get_uint64();
  return contract;
}

Result<ContractResources> ReadResources(json::Value const& value) {
  ContractResources report;
  TRELLIS_TRY(report.contract, GetUint(value, "contract_id"));
  TRELLIS_TRY(auto const* const used, GetMember(value, "used"));
  TRELLIS_TRY(auto const resources, ReadNodeResources(*used));
  report.hru = resources.hru;
  report.sru = resources.sru;
  report.cru = resources.cru;
  report.mru = resources.mru;
  return report;
}

Result<NruReport> ReadNru(json::Value const& value) {
  NruReport report;
  TRELLIS_TRY(report.contract, GetUint(value, "contract_id"));
  TRELLIS_TRY(report.timestamp, GetUint(value, "timestamp"));
  TRELLIS_TRY(report.window, GetUint(value, "window"));
  TRELLIS_TRY(report.nru, GetUint(value, "nru"));
  return report;
}

}  // namespace trellis::ledger::substrate
