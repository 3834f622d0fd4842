// How an extrinsic ended, and the events that tell of it.
#pragma once

#include "kernel/ledger/embedded/blocks.hpp"
#include "kernel/ledger/facade/runtime.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <optional>
#include <string>
#include <vector>

namespace trellis::ledger::facade {

/// Stored with the block of an extrinsic that did not succeed in all.
struct Outcome {
  std::string pallet{};
  std::string error{};  ///< the chain's name; "" = success
  /// The call of a batch at which it stopped, keeping what came before.
  std::optional<std::uint32_t> interrupted_at{};
};
BOOST_DESCRIBE_STRUCT(Outcome, (), (pallet, error, interrupted_at))

/// The runtime's name of a refusal, "" when `error` is none.
std::string NameOfRefusal(Runtime const& runtime, Error const& error);
/// A value of the runtime's list of event records: those of `block`, whose ledger events are
/// `events`. `farm_of(node)` gives 0 for a node that is gone.
json::Value EventRecords(Runtime const& runtime, embedded::Block const& block,
                         std::vector<Event> const& events,
                         std::function<std::uint32_t(std::uint32_t)> const& farm_of);

}  // namespace trellis::ledger::facade
