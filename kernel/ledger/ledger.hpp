// The ledger as the kernel sees it: who exists, who may deploy what, and what changed. Adapters are
// the folders of kernel/ledger.
#pragma once

#include "kernel/ledger/calls.hpp"
#include "kernel/ledger/types.hpp"

#include <trellis/result.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::ledger {

/// What a ledger can by its nature; `{}` can all. Each says what holds where it cannot, and the
/// conformance suite (tests/conformance/ledger) checks either.
struct Abilities {
  /// A read after a write sees it; else a missing contract may yet appear.
  bool strong = true;
  /// Event numbers are 1, 2, 3, … and heights count the writes that changed something; else both
  /// only grow.
  bool counts = true;
  /// Callers may have a request id; else such a caller is kUnsupported.
  bool request_ids = true;
  /// Grace and verification are decided by calls to it; else those calls are AdminOnly whoever
  /// asks, and every twin counts as verified.
  bool administers = true;
  /// The error of SubmitAll begins with `call <index>: `; else it does not tell which call it was.
  bool tells_failing_call = true;
};

/// Safe for use by several threads; every function may block for a transaction or a round trip.
///
/// Errors of all functions: kNotFound; kUnavailable (away, locked, time-out: nothing is known, try
/// again). Writes also: kDenied, kInvalid, kConflict, kExhausted. The text of a refusal starts with
/// the chain's name of the error: `ContractIsNotUnique: <sentence>`.
class Ledger {
 public:
  Ledger() = default;
  virtual ~Ledger() = default;
  Ledger(Ledger const&) = delete;
  Ledger& operator=(Ledger const&) = delete;

  // ---- reads ----
  virtual Result<Twin> GetTwin(std::uint32_t id) = 0;
  virtual Result<std::uint32_t> TwinByAccount(Account const& account) = 0;
  /// A cancelled or deleted contract is kNotFound.
  virtual Result<Contract> GetContract(std::uint64_t id) = 0;
  /// Complete or an error, never a part.
  virtual Result<NodeContracts> ListNodeContracts(std::uint32_t node) = 0;
  virtual Result<std::optional<std::uint64_t>> RentContract(std::uint32_t node) = 0;
  virtual Result<std::uint64_t> NameContract(std::string_view name) = 0;
  virtual Result<std::uint64_t> ContractByHash(std::uint32_t node, std::string_view hash) = 0;
  virtual Result<Farm> GetFarm(std::uint32_t id) = 0;
  virtual Result<Node> GetNode(std::uint32_t id) = 0;
  virtual Result<std::uint32_t> NodeByTwin(std::uint32_t twin) = 0;
  /// Ids, ascending.
  virtual Result<std::vector<std::uint32_t>> ListNodes(std::uint32_t farm) = 0;
  virtual Result<Head> GetHead() = 0;

  // ---- events ----
  /// Up to `limit` events with seq > `cursor` (0 = from the first). kConflict `CursorTooOld: …`:
  /// the events after `cursor` are not all there any more (or the ledger never had it); compare
  /// everything, go on from GetHead().
  virtual Result<EventPage> EventsAfter(std::uint64_t cursor, std::size_t limit) = 0;
  /// Blocks until there is an event after `cursor`: true. False at the time-out, and early after
  /// Interrupt.
  virtual Result<bool> Wait(std::uint64_t cursor, std::chrono::milliseconds timeout) = 0;
  /// Makes every Wait of this object, running and to come, return at once.
  virtual void Interrupt() = 0;

  // ---- writes ----
  /// Checks and applies one call; durable when it returns. The id that the call makes, else 0.
  virtual Result<std::uint64_t> Submit(Caller const& caller, Call const& call) = 0;
  /// All or nothing; the error is that of the first that fails, see Abilities.
  virtual Result<std::vector<std::uint64_t>> SubmitAll(Caller const& caller,
                                                       std::vector<Call> const& calls) = 0;
  [[nodiscard]] virtual Abilities abilities() const = 0;

  Result<bool> TwinVerified(std::uint32_t twin) {
    TRELLIS_TRY(auto const found, GetTwin(twin));
    return found.verified;
  }
};

/// Ids of twins, nodes and farms out of Submit.
[[nodiscard]] inline std::uint32_t ToId(std::uint64_t id) {
  return static_cast<std::uint32_t>(id);
}

}  // namespace trellis::ledger
