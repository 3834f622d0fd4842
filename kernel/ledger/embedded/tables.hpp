// Reading objects from the tables, on a reader or inside a write.
#pragma once

#include "kernel/ledger/types.hpp"
#include "kernel/store/database.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace trellis::ledger::embedded {

/// TwinNotExists.
Result<Twin> ReadTwin(store::Database& db, std::uint32_t id);
/// FarmNotExists.
Result<Farm> ReadFarm(store::Database& db, std::uint32_t id);
/// Without its addresses. FarmNotExists.
Result<Farm> ReadBareFarm(store::Database& db, std::uint32_t id);
/// NodeNotExists.
Result<Node> ReadNode(store::Database& db, std::uint32_t id);
/// A live contract with its addresses. ContractNotExists.
Result<Contract> ReadContract(store::Database& db, std::uint64_t id);
/// Deleted ones with id below `before`, newest first.
Result<std::vector<Contract>> ReadDeletedContracts(store::Database& db, std::uint64_t before,
                                                   std::size_t limit);
Result<std::vector<PublicIp>> ReadContractIps(store::Database& db, std::uint64_t contract);

Result<std::optional<std::uint32_t>> FindTwinByAccount(store::Database& db, Account const& account);
Result<std::optional<std::uint32_t>> FindFarmByName(store::Database& db, std::string_view name);
Result<std::optional<std::uint32_t>> FindFarmByIp(store::Database& db, std::string_view ip);
/// In list order.
Result<std::vector<PublicIp>> ListFarmIps(store::Database& db, std::uint32_t farm);
Result<std::optional<std::uint32_t>> FindNodeByTwin(store::Database& db, std::uint32_t twin);
Result<std::optional<std::uint64_t>> FindNameContract(store::Database& db, std::string_view name);
Result<std::optional<std::uint64_t>> FindRentContract(store::Database& db, std::uint32_t node);
Result<std::optional<std::uint64_t>> FindContractByHash(store::Database& db, std::uint32_t node,
                                                        std::string_view hash);
/// Live node contracts, ascending.
Result<std::vector<std::uint64_t>> ListNodeContractIds(store::Database& db, std::uint32_t node);
/// Those of them in their grace period.
Result<std::vector<std::uint64_t>> ListGraceContractIds(store::Database& db, std::uint32_t node);
Result<bool> HasNodeContracts(store::Database& db, std::uint32_t node);

Result<std::uint64_t> ReadHeight(store::Database& db);
/// Newest event ever written.
Result<std::uint64_t> ReadLastSeq(store::Database& db);
/// CursorTooOld.
Result<EventPage> ReadEvents(store::Database& db, std::uint64_t cursor, std::size_t limit);

}  // namespace trellis::ledger::embedded
