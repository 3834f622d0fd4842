#include "kernel/ledger/etcd/kv_state.hpp"

#include "kernel/base/strings.hpp"
#include "kernel/ledger/rules/refusal.hpp"

#include <algorithm>
#include <utility>

namespace trellis::ledger::etcd {
namespace {

using rules::Refuse;

constexpr std::size_t kMaxValueBytes = 100U << 10U;
constexpr std::int64_t kRequestSeconds = 86'400;

/// Where an address stands: value of its `ip/` key.
struct IpPlace {
  std::uint32_t farm = 0;
  std::uint64_t pos = 0;
};
BOOST_DESCRIBE_STRUCT(IpPlace, (), (farm, pos))

struct StoredRequest : rules::AppliedRequest {
  std::int64_t at = 0;
};
BOOST_DESCRIBE_STRUCT(StoredRequest, (rules::AppliedRequest), (at))

/// The object at `key`; empty when there is none.
template <class T>
Result<std::optional<T>> Find(View& view, std::string const& key) {
  TRELLIS_TRY(auto const text, view.Get(key));
  if (!text) return std::nullopt;
  TRELLIS_TRY(auto value, Decoded<T>(*text));
  return value;
}

}  // namespace

Result<std::uint64_t> LastNumber(std::string_view key) {
  auto number = strings::ParseNumber<std::uint64_t>(key.substr(key.rfind('/') + 1));
  if (!number) return Fail(Code::kUnavailable, "ledger is damaged: key '{}'", key);
  return number;
}

Result<void> KvState::Put(std::string const& key, std::string value, std::int64_t lease) {
  if (value.size() > kMaxValueBytes)
    return Refuse("ValueTooLong", "{} bytes are more than the {} that an etcd ledger takes",
                  value.size(), kMaxValueBytes);
  view_.Put(key, std::move(value), lease);
  return {};
}

Result<std::optional<std::uint64_t>> KvState::FindId(std::string const& key) {
  TRELLIS_TRY(auto const text, view_.Get(key));
  if (!text) return std::nullopt;
  TRELLIS_TRY(auto const id, Decoded<std::uint64_t>(*text));
  return id;
}

Result<std::optional<std::uint32_t>> KvState::FindId32(std::string const& key) {
  TRELLIS_TRY(auto const text, view_.Get(key));
  if (!text) return std::nullopt;
  TRELLIS_TRY(auto const id, Decoded<std::uint32_t>(*text));
  return id;
}

Result<Twin> KvState::ReadTwin(std::uint32_t id) {
  TRELLIS_TRY(auto const twin, Find<Twin>(view_, keys_.Twin(id)));
  if (!twin) return Refuse("TwinNotExists", "no twin {}", id);
  return *twin;
}

Result<std::optional<std::uint32_t>> KvState::FindTwinByAccount(Account const& account) {
  return FindId32(keys_.Account(account));
}

Result<Farm> KvState::ReadFarm(std::uint32_t id) {
  TRELLIS_TRY(auto const farm, Find<Farm>(view_, keys_.Farm(id)));
  if (!farm) return Refuse("FarmNotExists", "no farm {}", id);
  return *farm;
}

Result<std::optional<std::uint32_t>> KvState::FindFarmByName(std::string_view name) {
  return FindId32(keys_.FarmName(name));
}

Result<std::vector<PublicIp>> KvState::ListFarmIps(std::uint32_t farm) {
  TRELLIS_TRY(auto const found, view_.List(keys_.FarmIps(farm)));
  std::vector<PublicIp> ips;
  for (auto const& pair : found) {
    TRELLIS_TRY(auto ip, Decoded<PublicIp>(pair.value));
    ips.push_back(std::move(ip));
  }
  return ips;
}

Result<std::optional<std::uint32_t>> KvState::FindFarmByIp(std::string_view ip) {
  TRELLIS_TRY(auto const place, Find<IpPlace>(view_, keys_.Ip(ip)));
  if (!place) return std::nullopt;
  return place->farm;
}

Result<Node> KvState::ReadNode(std::uint32_t id) {
  TRELLIS_TRY(auto const node, Find<Node>(view_, keys_.Node(id)));
  if (!node) return Refuse("NodeNotExists", "no node {}", id);
  return *node;
}

Result<std::optional<std::uint32_t>> KvState::FindNodeByTwin(std::uint32_t twin) {
  return FindId32(keys_.NodeOfTwin(twin));
}

Result<Contract> KvState::ReadContract(std::uint64_t id) {
  TRELLIS_TRY(auto const contract, Find<Contract>(view_, keys_.Contract(id)));
  if (!contract) return Refuse("ContractNotExists", "no contract {}", id);
  return *contract;
}

Result<std::optional<std::uint64_t>> KvState::FindNameContract(std::string_view name) {
  return FindId(keys_.Name(name));
}

Result<std::optional<std::uint64_t>> KvState::FindRentContract(std::uint32_t node) {
  return FindId(keys_.Rent(node));
}

Result<std::optional<std::uint64_t>> KvState::FindContractByHash(std::uint32_t node,
                                                                 std::string_view hash) {
  return FindId(keys_.Hash(node, hash));
}

Result<rules::Ids> KvState::ListNodeContracts(std::uint32_t node) {
  TRELLIS_TRY(auto const found, view_.List(keys_.Active(node)));
  rules::Ids ids;
  for (auto const& pair : found) {
    TRELLIS_TRY(auto const id, LastNumber(pair.key));
    ids.push_back(id);
  }
  return ids;
}

Result<bool> KvState::HasNodeContracts(std::uint32_t node) {
  TRELLIS_TRY(auto const found, view_.List(keys_.Active(node), 1));
  return !found.empty();
}

Result<std::uint32_t> KvState::AddTwin(Twin const& twin) {
  Twin stored = twin;
  stored.id = ++view_.head().twin;
  TRELLIS_CHECK(Put(keys_.Twin(stored.id), json::Dump(stored)));
  TRELLIS_CHECK(Put(keys_.Account(stored.account), json::Dump(stored.id)));
  return stored.id;
}

Result<void> KvState::ChangeTwin(Twin const& twin) {
  return Put(keys_.Twin(twin.id), json::Dump(twin));
}

Result<std::uint32_t> KvState::AddFarm(Farm const& farm) {
  Farm stored = farm;
  stored.id = ++view_.head().farm;
  TRELLIS_CHECK(Put(keys_.Farm(stored.id), json::Dump(stored)));
  TRELLIS_CHECK(Put(keys_.FarmName(stored.name), json::Dump(stored.id)));
  return stored.id;
}

Result<void> KvState::AddFarmIp(std::uint32_t farm, IpConfig const& address) {
  TRELLIS_TRY(auto const found, view_.List(keys_.FarmIps(farm)));
  std::uint64_t pos = 0;
  if (!found.empty()) {
    TRELLIS_TRY(auto const last, LastNumber(found.back().key));
    pos = last + 1;
  }
  PublicIp const ip{.ip = address.ip, .gateway = address.gw, .contract_id = 0};
  TRELLIS_CHECK(Put(keys_.FarmIp(farm, pos), json::Dump(ip)));
  return Put(keys_.Ip(address.ip), json::Dump(IpPlace{.farm = farm, .pos = pos}));
}

Result<void> KvState::RemoveFarmIp(std::uint32_t farm, std::string_view ip) {
  TRELLIS_TRY(auto const place, Find<IpPlace>(view_, keys_.Ip(ip)));
  if (!place) return {};
  view_.Delete(keys_.FarmIp(farm, place->pos));
  view_.Delete(keys_.Ip(ip));
  return {};
}

Result<std::uint32_t> KvState::AddNode(Node const& node) {
  Node stored = node;
  stored.id = ++view_.head().node;
  TRELLIS_CHECK(Put(keys_.Node(stored.id), json::Dump(stored)));
  TRELLIS_CHECK(Put(keys_.NodeOfTwin(stored.twin_id), json::Dump(stored.id)));
  TRELLIS_CHECK(Put(keys_.FarmNode(stored.farm_id, stored.id), ""));
  return stored.id;
}

Result<void> KvState::ChangeNode(Node const& node) {
  TRELLIS_TRY(auto const before, ReadNode(node.id));
  if (before.farm_id != node.farm_id) {
    view_.Delete(keys_.FarmNode(before.farm_id, node.id));
    TRELLIS_CHECK(Put(keys_.FarmNode(node.farm_id, node.id), ""));
  }
  return Put(keys_.Node(node.id), json::Dump(node));
}

Result<void> KvState::Assign(std::string_view ip, std::uint64_t contract) {
  TRELLIS_TRY(auto const place, Find<IpPlace>(view_, keys_.Ip(ip)));
  if (!place) return {};
  auto const key = keys_.FarmIp(place->farm, place->pos);
  TRELLIS_TRY(auto address, Find<PublicIp>(view_, key));
  if (!address) return {};
  address->contract_id = contract;
  return Put(key, json::Dump(*address));
}

Result<std::uint64_t> KvState::AddContract(Contract const& contract) {
  Contract stored = contract;
  auto const id = ++view_.head().contract;
  stored.contract_id = id;
  for (auto& ip : stored.public_ips_list) {
    TRELLIS_CHECK(Assign(ip.ip, id));
    ip.contract_id = id;
  }
  TRELLIS_CHECK(Put(keys_.Contract(id), json::Dump(stored)));
  TRELLIS_CHECK(Put(keys_.Owned(stored.twin_id, id), ""));
  switch (stored.kind.value) {
    case ContractKind::kNode:
      TRELLIS_CHECK(Put(keys_.Hash(stored.node_id, stored.hash), json::Dump(id)));
      TRELLIS_CHECK(Put(keys_.Active(stored.node_id, id), ""));
      break;
    case ContractKind::kName:
      TRELLIS_CHECK(Put(keys_.Name(stored.name), json::Dump(id)));
      break;
    case ContractKind::kRent:
      TRELLIS_CHECK(Put(keys_.Rent(stored.node_id), json::Dump(id)));
      break;
  }
  return id;
}

Result<void> KvState::ChangeContract(Contract const& contract) {
  TRELLIS_TRY(auto const before, ReadContract(contract.contract_id));
  if (before.hash != contract.hash) {
    view_.Delete(keys_.Hash(before.node_id, before.hash));
    TRELLIS_CHECK(
        Put(keys_.Hash(contract.node_id, contract.hash), json::Dump(contract.contract_id)));
  }
  if (before.state != contract.state && contract.kind == ContractKind::kNode)
    TRELLIS_CHECK(Put(keys_.Active(contract.node_id, contract.contract_id),
                      contract.in_grace() ? std::string(kInGrace) : std::string()));
  return Put(keys_.Contract(contract.contract_id), json::Dump(contract));
}

Result<void> KvState::DeleteContract(Contract const& contract, std::uint64_t cause) {
  auto const id = contract.contract_id;
  for (auto const& ip : contract.public_ips_list)
    TRELLIS_CHECK(Assign(ip.ip, 0));
  Contract history = contract;
  history.state = ContractState::kDeleted;
  history.state_arg = cause;
  view_.Delete(keys_.Contract(id));
  view_.Delete(keys_.Owned(contract.twin_id, id));
  switch (contract.kind.value) {
    case ContractKind::kNode:
      view_.Delete(keys_.Hash(contract.node_id, contract.hash));
      view_.Delete(keys_.Active(contract.node_id, id));
      break;
    case ContractKind::kName:
      view_.Delete(keys_.Name(contract.name));
      break;
    case ContractKind::kRent:
      view_.Delete(keys_.Rent(contract.node_id));
      break;
  }
  TRELLIS_CHECK(Put(keys_.Deleted(id), json::Dump(history)));
  return Put(keys_.DeletedAt(static_cast<std::uint64_t>(times_.now), id), "");
}

Result<void> KvState::PutResources(ContractResources const& resources) {
  return Put(keys_.Resources(resources.contract), json::Dump(resources));
}

Result<void> KvState::AddNru(NruReport const& report) {
  auto const start = report.timestamp - report.window;
  auto const oldest =
      static_cast<std::uint64_t>(std::max<std::int64_t>(times_.now - times_.keep_seconds, 0));
  if (start < oldest) return {};  // a window this old is no retry any more
  auto const key = keys_.Nru(report.contract, start);
  TRELLIS_TRY(auto const present, view_.Get(key));
  if (!present) TRELLIS_CHECK(Put(key, json::Dump(report)));
  view_.DeleteRange({.key = keys_.Nru(report.contract),
                     .end = keys_.Nru(report.contract, oldest),
                     .limit = 0,
                     .descending = false});
  return {};
}

Result<void> KvState::PutUptime(std::uint32_t node, ReportUptime const& report) {
  auto const oldest = std::max<std::int64_t>(times_.now - times_.keep_seconds, 0);
  TRELLIS_CHECK(Put(keys_.Uptime(node, static_cast<std::uint64_t>(report.timestamp)),
                    json::Dump(report.uptime)));
  view_.DeleteRange({.key = keys_.Uptime(node),
                     .end = keys_.Uptime(node, static_cast<std::uint64_t>(oldest)),
                     .limit = 0,
                     .descending = false});
  return {};
}

Result<void> KvState::AddEvent(Event const& event) {
  Event stored = event;
  stored.seq = ++view_.head().event;
  return Put(keys_.Event(stored.seq), json::Dump(stored));
}

Result<std::optional<rules::AppliedRequest>> KvState::FindRequest(std::uint32_t twin,
                                                                  std::string_view request) {
  TRELLIS_TRY(auto const found, Find<StoredRequest>(view_, keys_.Request(twin, request)));
  if (!found || found->at < times_.now - kRequestSeconds) return std::nullopt;
  return *found;
}

Result<void> KvState::AddRequest(std::uint32_t twin, std::string_view request,
                                 rules::AppliedRequest const& applied) {
  StoredRequest stored;
  stored.arguments = applied.arguments;
  stored.ids = applied.ids;
  stored.at = times_.now;
  return Put(keys_.Request(twin, request), json::Dump(stored), times_.request_lease);
}

}  // namespace trellis::ledger::etcd
