#include "kernel/ledger/embedded/tables.hpp"

#include "kernel/ledger/rules/refusal.hpp"
#include "kernel/store/query.hpp"

#include <algorithm>
#include <limits>

namespace trellis::ledger::embedded {
namespace {

using rules::Refuse;
using store::Statement;

constexpr std::uint64_t kMaxId = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kMaxPage = 10'000;

std::uint32_t Id32(Statement const& row, int column) {
  return static_cast<std::uint32_t>(row.Uint(column));
}

std::uint32_t FirstId32(Statement const& row) {
  return Id32(row, 0);
}
std::uint64_t FirstId(Statement const& row) {
  return row.Uint(0);
}

std::optional<std::string> OptionalText(Statement const& row, int column) {
  if (row.IsNull(column)) return std::nullopt;
  return row.Text(column);
}

/// Text that this program wrote; a text that does not decode means a damaged file.
template <class T>
Result<T> Decoded(Result<T> parsed) {
  if (!parsed) return Fail(Code::kIo, "ledger is damaged: {}", parsed.error().message);
  return parsed;
}

constexpr std::string_view kContractById =
    "SELECT id, twin, kind, node, hash, data, ips, name, state, state_arg, provider, created "
    "FROM contract WHERE id = ?1 AND state <> 1";
constexpr std::string_view kDeletedContracts =
    "SELECT id, twin, kind, node, hash, data, ips, name, state, state_arg, provider, created "
    "FROM contract WHERE state = 1 AND id < ?1 ORDER BY id DESC LIMIT ?2";

Contract ContractOf(Statement const& row) {
  Contract contract;
  contract.contract_id = row.Uint(0);
  contract.twin_id = Id32(row, 1);
  contract.kind = static_cast<ContractKind>(row.Uint(2));
  contract.node_id = Id32(row, 3);
  contract.hash = row.Text(4);
  contract.data = row.Text(5);
  contract.public_ips = Id32(row, 6);
  contract.name = row.Text(7);
  contract.state = static_cast<ContractState>(row.Uint(8));
  contract.state_arg = row.Uint(9);
  if (!row.IsNull(10)) contract.solution_provider = row.Uint(10);
  contract.created = row.Int(11);
  return contract;
}

PublicIp IpOf(Statement const& row) {
  return {.ip = row.Text(0), .gateway = row.Text(1), .contract_id = row.Uint(2)};
}

struct NodeRow {
  std::uint32_t farm = 0;
  std::uint32_t twin = 0;
  std::string body;
  std::optional<std::string> config;
  NodePower power;
  std::int64_t created = 0;
};

struct EventRow {
  Event event;
  std::string kind;
  std::string body;
};

EventRow EventOf(Statement const& row) {
  EventRow read;
  read.event.seq = row.Uint(0);
  read.event.height = row.Uint(1);
  read.event.at = row.Int(2);
  read.kind = row.Text(3);
  read.event.node = Id32(row, 4);
  read.event.contract = row.Uint(5);
  read.event.twin = Id32(row, 6);
  read.body = row.Text(7);
  return read;
}

}  // namespace

Result<Twin> ReadTwin(store::Database& db, std::uint32_t id) {
  struct Row {
    std::string account;
    std::optional<std::string> relay;
    std::optional<std::string> pk;
    bool verified;
  };
  TRELLIS_TRY(auto const row, store::One(
                                  db, "SELECT account, relay, pk, verified FROM twin WHERE id = ?1",
                                  [](Statement const& found) {
                                    return Row{found.Text(0), OptionalText(found, 1),
                                               OptionalText(found, 2), found.Int(3) != 0};
                                  },
                                  id));
  if (!row) return Refuse("TwinNotExists", "no twin {}", id);
  Twin twin;
  twin.id = id;
  TRELLIS_TRY(twin.account, Decoded(Account::Parse(row->account)));
  twin.relay = row->relay;
  if (row->pk) {
    TRELLIS_TRY(twin.pk, Decoded(PeerKey::Parse(*row->pk)));
  }
  twin.verified = row->verified;
  return twin;
}

Result<Farm> ReadFarm(store::Database& db, std::uint32_t id) {
  TRELLIS_TRY(auto farm, ReadBareFarm(db, id));
  TRELLIS_TRY(farm.public_ips, ListFarmIps(db, id));
  return farm;
}

Result<Farm> ReadBareFarm(store::Database& db, std::uint32_t id) {
  TRELLIS_TRY(auto farm, store::One(
                             db, "SELECT name, twin, dedicated FROM farm WHERE id = ?1",
                             [](Statement const& row) {
                               return Farm{.id = 0,
                                           .name = row.Text(0),
                                           .twin_id = Id32(row, 1),
                                           .dedicated = row.Int(2) != 0,
                                           .public_ips = {}};
                             },
                             id));
  if (!farm) return Refuse("FarmNotExists", "no farm {}", id);
  farm->id = id;
  return *std::move(farm);
}

Result<std::vector<PublicIp>> ListFarmIps(store::Database& db, std::uint32_t farm) {
  return store::All(db, "SELECT ip, gateway, contract FROM farm_ip WHERE farm = ?1 ORDER BY pos",
                    IpOf, farm);
}

Result<std::optional<std::uint32_t>> FindFarmByName(store::Database& db, std::string_view name) {
  return store::One(db, "SELECT id FROM farm WHERE name = ?1", FirstId32, name);
}

Result<std::optional<std::uint32_t>> FindFarmByIp(store::Database& db, std::string_view ip) {
  return store::One(db, "SELECT farm FROM farm_ip WHERE ip = ?1", FirstId32, ip);
}

Result<Node> ReadNode(store::Database& db, std::uint32_t id) {
  TRELLIS_TRY(auto const row,
              store::One(
                  db,
                  "SELECT farm, twin, body, public_config, power_state, power_target, created "
                  "FROM node WHERE id = ?1",
                  [](Statement const& found) {
                    return NodeRow{.farm = Id32(found, 0),
                                   .twin = Id32(found, 1),
                                   .body = found.Text(2),
                                   .config = OptionalText(found, 3),
                                   .power = {static_cast<Power>(found.Uint(4)),
                                             static_cast<Power>(found.Uint(5))},
                                   .created = found.Int(6)};
                  },
                  id));
  if (!row) return Refuse("NodeNotExists", "no node {}", id);
  Node node;
  TRELLIS_TRY(auto spec, Decoded(json::Parse<NodeSpec>(row->body)));
  static_cast<NodeSpec&>(node) = std::move(spec);
  node.id = id;
  node.farm_id = row->farm;
  node.twin_id = row->twin;
  if (row->config) {
    TRELLIS_TRY(node.public_config, Decoded(json::Parse<PublicConfig>(*row->config)));
  }
  node.power = row->power;
  node.created = row->created;
  return node;
}

Result<Contract> ReadContract(store::Database& db, std::uint64_t id) {
  if (id > kMaxId) return Refuse("ContractNotExists", "no contract {}", id);
  TRELLIS_TRY(auto contract, store::One(db, kContractById, ContractOf, id));
  if (!contract) return Refuse("ContractNotExists", "no contract {}", id);
  if (contract->public_ips > 0) {
    TRELLIS_TRY(contract->public_ips_list, ReadContractIps(db, id));
  }
  return *std::move(contract);
}

Result<std::vector<Contract>> ReadDeletedContracts(store::Database& db, std::uint64_t before,
                                                   std::size_t limit) {
  return store::All(db, kDeletedContracts, ContractOf, std::min(before, kMaxId),
                    std::min(limit, kMaxPage));
}

Result<std::vector<PublicIp>> ReadContractIps(store::Database& db, std::uint64_t contract) {
  return store::All(
      db, "SELECT ip, gateway, contract FROM contract_ip WHERE contract = ?1 ORDER BY pos", IpOf,
      contract);
}

Result<std::optional<std::uint32_t>> FindTwinByAccount(store::Database& db,
                                                       Account const& account) {
  return store::One(db, "SELECT id FROM twin WHERE account = ?1", FirstId32, account.ToString());
}

Result<std::optional<std::uint32_t>> FindNodeByTwin(store::Database& db, std::uint32_t twin) {
  return store::One(db, "SELECT id FROM node WHERE twin = ?1", FirstId32, twin);
}

Result<std::optional<std::uint64_t>> FindNameContract(store::Database& db, std::string_view name) {
  return store::One(db, "SELECT id FROM contract WHERE name = ?1 AND kind = 1 AND state <> 1",
                    FirstId, name);
}

Result<std::optional<std::uint64_t>> FindRentContract(store::Database& db, std::uint32_t node) {
  return store::One(db, "SELECT id FROM contract WHERE node = ?1 AND kind = 2 AND state <> 1",
                    FirstId, node);
}

Result<std::optional<std::uint64_t>> FindContractByHash(store::Database& db, std::uint32_t node,
                                                        std::string_view hash) {
  return store::One(
      db, "SELECT id FROM contract WHERE node = ?1 AND hash = ?2 AND kind = 0 AND state <> 1",
      FirstId, node, hash);
}

Result<std::vector<std::uint64_t>> ListNodeContractIds(store::Database& db, std::uint32_t node) {
  return store::All(
      db, "SELECT id FROM contract WHERE node = ?1 AND kind = 0 AND state <> 1 ORDER BY id",
      FirstId, node);
}

Result<std::vector<std::uint64_t>> ListGraceContractIds(store::Database& db, std::uint32_t node) {
  return store::All(
      db,
      "SELECT id FROM contract WHERE node = ?1 AND kind = 0 AND state <> 1 AND state = ?2 ORDER BY "
      "id",
      FirstId, node, ContractState::kGracePeriod);
}

Result<bool> HasNodeContracts(store::Database& db, std::uint32_t node) {
  return store::Exists(
      db, "SELECT 1 FROM contract WHERE node = ?1 AND kind = 0 AND state <> 1 LIMIT 1", node);
}

Result<std::uint64_t> ReadHeight(store::Database& db) {
  TRELLIS_TRY(auto const height,
              store::One(db, "SELECT value FROM meta WHERE key = 'height'", FirstId));
  return height.value_or(0);
}

Result<std::uint64_t> ReadLastSeq(store::Database& db) {
  // Not max(seq): old events may be gone, all of them too.
  TRELLIS_TRY(auto const last,
              store::One(db, "SELECT seq FROM sqlite_sequence WHERE name = 'event'", FirstId));
  return last.value_or(0);
}

Result<EventPage> ReadEvents(store::Database& db, std::uint64_t cursor, std::size_t limit) {
  TRELLIS_TRY(auto const last, ReadLastSeq(db));
  TRELLIS_TRY(auto const first, store::One(db, "SELECT min(seq) FROM event", FirstId));
  if (cursor > last || (cursor < last && cursor + 1 < first.value_or(0)) ||
      (cursor < last && first.value_or(0) == 0))
    return Refuse("CursorTooOld", "events after {} are not all kept, the last is {}", cursor, last);
  TRELLIS_TRY(auto rows,
              store::All(db,
                         "SELECT seq, height, at, kind, node, contract, twin, body FROM event "
                         "WHERE seq > ?1 ORDER BY seq LIMIT ?2",
                         EventOf, cursor, std::min(limit, kMaxPage)));
  EventPage page;
  page.next = cursor;
  page.events.reserve(rows.size());
  for (auto& row : rows) {
    TRELLIS_TRY(row.event.kind, Decoded(EventKindText::Parse(row.kind)));
    TRELLIS_TRY(row.event.body, Decoded(json::ParseValue(row.body)));
    page.next = row.event.seq;
    page.events.push_back(std::move(row.event));
  }
  return page;
}

}  // namespace trellis::ledger::embedded
