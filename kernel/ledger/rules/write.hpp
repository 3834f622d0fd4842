// The calls: checks in the chain's order, effect, events.
#pragma once

#include "kernel/ledger/calls.hpp"
#include "kernel/ledger/rules/forms.hpp"
#include "kernel/ledger/rules/state.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <cstdint>
#include <vector>

namespace trellis::ledger::rules {

/// One write in progress: what every call works on. Borrows for as long as it lives.
struct Write {
  State& state;
  Caller const& caller;
  std::uint64_t height = 0;  ///< of this write
  std::int64_t now = 0;
  PrivateRanges private_ranges = PrivateRanges::kAllowed;
};

/// One call, or the result of the same request before. RequestIdTooLong, RequestIdReused, and what
/// the call refuses.
Result<std::uint64_t> ApplyRequest(Write& write, Call const& call);
/// All or nothing (the caller undoes the write when it fails): `call <index>: <refusal>`. As many
/// ids as calls. TooManyCalls.
Result<Ids> ApplyRequest(Write& write, std::vector<Call> const& calls);

// Each gives the id that it makes, else 0.
Result<std::uint64_t> Apply(Write& write, CreateTwin const& call);
Result<std::uint64_t> Apply(Write& write, UpdateTwin const& call);
Result<std::uint64_t> Apply(Write& write, CreateNodeContract const& call);
Result<std::uint64_t> Apply(Write& write, UpdateNodeContract const& call);
Result<std::uint64_t> Apply(Write& write, CancelContract const& call);
Result<std::uint64_t> Apply(Write& write, CreateNameContract const& call);
Result<std::uint64_t> Apply(Write& write, CreateRentContract const& call);
Result<std::uint64_t> Apply(Write& write, RegisterNode const& call);
Result<std::uint64_t> Apply(Write& write, UpdateNode const& call);
Result<std::uint64_t> Apply(Write& write, ReportResources const& call);
Result<std::uint64_t> Apply(Write& write, ReportNru const& call);
Result<std::uint64_t> Apply(Write& write, ReportUptime const& call);
Result<std::uint64_t> Apply(Write& write, CreateFarm const& call);
Result<std::uint64_t> Apply(Write& write, AddFarmIp const& call);
Result<std::uint64_t> Apply(Write& write, RemoveFarmIp const& call);
Result<std::uint64_t> Apply(Write& write, SetPublicConfig const& call);
Result<std::uint64_t> Apply(Write& write, StartGrace const& call);
Result<std::uint64_t> Apply(Write& write, EndGrace const& call);
Result<std::uint64_t> Apply(Write& write, DeleteOutOfFunds const& call);
Result<std::uint64_t> Apply(Write& write, SetVerified const& call);
Result<std::uint64_t> Apply(Write& write, SetPowerTarget const& call);
Result<std::uint64_t> Apply(Write& write, SetPowerState const& call);

// ---- shared by the calls ----

struct EventAbout {
  std::uint32_t node = 0;
  std::uint64_t contract = 0;
  std::uint32_t twin = 0;
};

/// Appends an event; `body` is a value the JSON codec knows.
Result<void> Emit(Write& write, EventKind kind, EventAbout about, json::Value body);

/// TwinNotExists unless the caller is a twin.
Result<void> RequireTwin(Write& write);
/// AdminOnly.
Result<void> RequireAdmin(Write const& write);
/// CannotUpdateFarmWrongTwin unless the caller owns the farm or is an admin. FarmNotExists.
Result<void> RequireFarmer(Write& write, std::uint32_t farm);

/// Frees the addresses and ends the contract; IPsFreed and the event of its kind.
Result<void> DeleteContract(Write& write, Contract const& contract, std::uint64_t cause);

}  // namespace trellis::ledger::rules
