#include "kernel/ledger/facade/storage.hpp"

#include "kernel/ledger/embedded/tables.hpp"
#include "kernel/ledger/substrate/objects.hpp"
#include "kernel/store/query.hpp"

#include <array>

namespace trellis::ledger::facade {
namespace {

using Keys = std::vector<json::Value>;
using store::Database;

// The types of the keys were checked when they were read.
std::uint32_t Id(Keys const& keys) {
  return static_cast<std::uint32_t>(keys[0].to_number<std::uint64_t>());
}

template <class T>
json::Value List(std::vector<T> const& ids) {
  return boost::json::array(ids.begin(), ids.end());
}

template <class T>
Result<json::Value> Converted(Result<T> const& found) {
  if (!found) return tl::unexpected<Error>(found.error());
  return substrate::ToChain(*found);
}
template <class T>
Result<json::Value> Number(Result<T> const& found) {
  if (!found) return tl::unexpected<Error>(found.error());
  return json::Value(*found);
}

Result<json::Value> ReadFarm(EmbeddedLedger& ledger, Keys const& keys) {
  return Converted(ledger.GetFarm(Id(keys)));
}
Result<json::Value> ReadNode(EmbeddedLedger& ledger, Keys const& keys) {
  return Converted(ledger.GetNode(Id(keys)));
}
Result<json::Value> ReadTwin(EmbeddedLedger& ledger, Keys const& keys) {
  return Converted(ledger.GetTwin(Id(keys)));
}
Result<json::Value> ReadContract(EmbeddedLedger& ledger, Keys const& keys) {
  return Converted(ledger.GetContract(keys[0].to_number<std::uint64_t>()));
}
Result<json::Value> ReadResources(EmbeddedLedger& ledger, Keys const& keys) {
  return Converted(ledger.ReportedResources(keys[0].to_number<std::uint64_t>()));
}
Result<json::Value> ReadPower(EmbeddedLedger& ledger, Keys const& keys) {
  TRELLIS_TRY(auto const node, ledger.GetNode(Id(keys)));
  return substrate::ToChain(node.power);
}
Result<json::Value> ReadNodesOfFarm(EmbeddedLedger& ledger, Keys const& keys) {
  TRELLIS_TRY(auto const ids, ledger.ListNodes(Id(keys)));
  return List(ids);
}
Result<json::Value> ReadNodeOfTwin(EmbeddedLedger& ledger, Keys const& keys) {
  return Number(ledger.NodeByTwin(Id(keys)));
}
Result<json::Value> ReadTwinOfAccount(EmbeddedLedger& ledger, Keys const& keys) {
  TRELLIS_TRY(auto const account, substrate::ReadAccount(keys[0]));
  return Number(ledger.TwinByAccount(account));
}
Result<json::Value> ReadNodeContracts(EmbeddedLedger& ledger, Keys const& keys) {
  TRELLIS_TRY(auto const contracts, ledger.ListNodeContracts(Id(keys)));
  return List(contracts.ids);
}
Result<json::Value> ReadRent(EmbeddedLedger& ledger, Keys const& keys) {
  TRELLIS_TRY(auto const rent, ledger.RentContract(Id(keys)));
  return rent ? json::Value(*rent) : json::Value(nullptr);
}
Result<json::Value> ReadName(EmbeddedLedger& ledger, Keys const& keys) {
  return Number(ledger.NameContract(keys[0].get_string()));
}
Result<json::Value> ReadHash(EmbeddedLedger& ledger, Keys const& keys) {
  return Number(ledger.ContractByHash(Id(keys), keys[1].get_string()));
}

Result<json::Value> ReadLastTwin(EmbeddedLedger& ledger, Keys const&) {
  TRELLIS_TRY(auto const last, ledger.Snapshot([](Database& db) {
    return store::One(db, "SELECT coalesce(max(id), 0) FROM twin",
                      [](store::Statement const& row) { return row.Uint(0); });
  }));
  return json::Value(last.value_or(0));
}
Result<json::Value> ReadLastContract(EmbeddedLedger& ledger, Keys const&) {
  TRELLIS_TRY(auto const last, ledger.Snapshot([](Database& db) {
    return store::One(db, "SELECT seq FROM sqlite_sequence WHERE name = 'contract'",
                      [](store::Statement const& row) { return row.Uint(0); });
  }));
  return json::Value(last.value_or(0));
}

struct Row {
  std::string_view pallet;
  std::string_view item;
  ReadItem read;
};

constexpr std::array kRows{
    Row{"TfgridModule", "Farms", ReadFarm},
    Row{"TfgridModule", "NodesByFarmID", ReadNodesOfFarm},
    Row{"TfgridModule", "Nodes", ReadNode},
    Row{"TfgridModule", "NodeIdByTwinID", ReadNodeOfTwin},
    Row{"TfgridModule", "NodePower", ReadPower},
    Row{"TfgridModule", "Twins", ReadTwin},
    Row{"TfgridModule", "TwinIdByAccountID", ReadTwinOfAccount},
    Row{"TfgridModule", "TwinID", ReadLastTwin},
    Row{"SmartContractModule", "Contracts", ReadContract},
    Row{"SmartContractModule", "ContractID", ReadLastContract},
    Row{"SmartContractModule", "ActiveNodeContracts", ReadNodeContracts},
    Row{"SmartContractModule", "ActiveRentContractForNode", ReadRent},
    Row{"SmartContractModule", "ContractIDByNameRegistration", ReadName},
    Row{"SmartContractModule", "ContractIDByNodeIDAndHash", ReadHash},
    Row{"SmartContractModule", "NodeContractResources", ReadResources},
};

}  // namespace

ReadItem ReaderOf(std::string_view pallet, std::string_view item) {
  for (auto const& row : kRows) {
    if (row.pallet == pallet && row.item == item) return row.read;
  }
  return nullptr;
}

}  // namespace trellis::ledger::facade
