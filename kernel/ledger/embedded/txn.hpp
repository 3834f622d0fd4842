// One write in progress: what every call works on.
#pragma once

#include "kernel/ledger/calls.hpp"
#include "kernel/ledger/embedded/rules.hpp"
#include "kernel/store/database.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <cstdint>

namespace trellis::ledger::embedded {

/// Valid inside one writer transaction.
struct Txn {
  store::Database& db;
  Caller const& caller;
  std::uint64_t height = 0;  ///< of this write
  std::int64_t now = 0;
  std::int64_t keep_seconds = 0;  ///< how long history stays
  PrivateRanges private_ranges = PrivateRanges::kAllowed;
};

struct EventAbout {
  std::uint32_t node = 0;
  std::uint64_t contract = 0;
  std::uint32_t twin = 0;
};

/// Appends an event; `body` is a value the JSON codec knows.
Result<void> Emit(Txn& txn, EventKind kind, EventAbout about, json::Value const& body);

/// TwinNotExists unless the caller is a twin.
Result<void> RequireTwin(Txn& txn);
/// AdminOnly.
Result<void> RequireAdmin(Txn const& txn);
/// CannotUpdateFarmWrongTwin unless the caller owns the farm or is an admin. FarmNotExists.
Result<void> RequireFarmer(Txn& txn, std::uint32_t farm);

/// Frees the addresses and marks the contract deleted; IPsFreed and the event of its kind.
Result<void> DeleteContract(Txn& txn, Contract const& contract, std::uint64_t cause);

// The calls: checks in the chain's order, effect, events. Each gives the id that it makes, else 0.
Result<std::uint64_t> Apply(Txn& txn, CreateTwin const& call);
Result<std::uint64_t> Apply(Txn& txn, UpdateTwin const& call);
Result<std::uint64_t> Apply(Txn& txn, CreateNodeContract const& call);
Result<std::uint64_t> Apply(Txn& txn, UpdateNodeContract const& call);
Result<std::uint64_t> Apply(Txn& txn, CancelContract const& call);
Result<std::uint64_t> Apply(Txn& txn, CreateNameContract const& call);
Result<std::uint64_t> Apply(Txn& txn, CreateRentContract const& call);
Result<std::uint64_t> Apply(Txn& txn, RegisterNode const& call);
Result<std::uint64_t> Apply(Txn& txn, UpdateNode const& call);
Result<std::uint64_t> Apply(Txn& txn, ReportResources const& call);
Result<std::uint64_t> Apply(Txn& txn, ReportNru const& call);
Result<std::uint64_t> Apply(Txn& txn, ReportUptime const& call);
Result<std::uint64_t> Apply(Txn& txn, CreateFarm const& call);
Result<std::uint64_t> Apply(Txn& txn, AddFarmIp const& call);
Result<std::uint64_t> Apply(Txn& txn, RemoveFarmIp const& call);
Result<std::uint64_t> Apply(Txn& txn, SetPublicConfig const& call);
Result<std::uint64_t> Apply(Txn& txn, StartGrace const& call);
Result<std::uint64_t> Apply(Txn& txn, EndGrace const& call);
Result<std::uint64_t> Apply(Txn& txn, DeleteOutOfFunds const& call);
Result<std::uint64_t> Apply(Txn& txn, SetVerified const& call);
Result<std::uint64_t> Apply(Txn& txn, SetPowerTarget const& call);
Result<std::uint64_t> Apply(Txn& txn, SetPowerState const& call);

}  // namespace trellis::ledger::embedded
