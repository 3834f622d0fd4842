// The ledger's calls as calls of the chain, and the chain's events as events of the ledger.
#pragma once

#include "kernel/ledger/calls.hpp"
#include "kernel/ledger/tfchain/chain_reader.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <optional>

namespace trellis::ledger::tfchain {

/// A value of the runtime's call type. `farm_of(node)` is asked where the chain wants to know it.
/// AdminOnly: what only the chain's own council or billing may do.
Result<json::Value> ToChainCall(Call const& call,
                                std::function<Result<std::uint32_t>(std::uint32_t)> const& farm_of);

/// One event record's event; nothing for events that the ledger does not have.
Result<std::optional<Event>> ToEvent(json::Value const& event);
/// The id that an event's object carries, where an event tells of a new object; else 0.
std::uint64_t NewId(Event const& event);

/// `pallet` and `name` of a dispatch error, by the runtime's error lists.
std::string ErrorName(ChainRuntime const& runtime, json::Value const& dispatch_error);

}  // namespace trellis::ledger::tfchain
