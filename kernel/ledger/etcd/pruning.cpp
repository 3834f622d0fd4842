#include "kernel/ledger/etcd/pruning.hpp"

#include "kernel/ledger/etcd/kv_state.hpp"

namespace trellis::ledger::etcd {
namespace {

// Four operations each: they share a transaction with other writes.
constexpr std::size_t kContractsAtOnce = 10;
constexpr std::size_t kEventsAtOnce = 100;

/// How many.
Result<std::size_t> PruneContracts(View& view, Keys const& keys, std::int64_t oldest) {
  TRELLIS_TRY(auto const found, view.List(keys.DeletedAt(), kContractsAtOnce));
  auto const end = keys.DeletedAt(static_cast<std::uint64_t>(oldest), 0);
  std::size_t count = 0;
  for (auto const& pair : found) {
    if (pair.key >= end) break;
    TRELLIS_TRY(auto const id, LastNumber(pair.key));
    view.Delete(pair.key);
    view.Delete(keys.Deleted(id));
    view.Delete(keys.Resources(id));
    view.DeleteRange(
        {.key = keys.Nru(id), .end = PrefixEnd(keys.Nru(id)), .limit = 0, .descending = false});
    ++count;
  }
  return count;
}

Result<std::size_t> PruneEvents(View& view, Keys const& keys, std::int64_t oldest) {
  TRELLIS_TRY(auto const found, view.List(keys.Events(), kEventsAtOnce));
  std::size_t count = 0;
  for (auto const& pair : found) {
    TRELLIS_TRY(auto const event, Decoded<Event>(pair.value));
    if (event.at >= oldest) break;
    view.head().oldest_event = event.seq + 1;
    ++count;
  }
  if (count > 0)
    view.DeleteRange({.key = keys.Events(),
                      .end = keys.Event(view.head().oldest_event),
                      .limit = 0,
                      .descending = false});
  return count;
}

}  // namespace

Result<bool> Prune(View& view, Keys const& keys, std::int64_t oldest) {
  if (oldest <= 0) return false;
  TRELLIS_TRY(auto const contracts, PruneContracts(view, keys, oldest));
  TRELLIS_TRY(auto const events, PruneEvents(view, keys, oldest));
  return contracts == kContractsAtOnce || events == kEventsAtOnce;
}

}  // namespace trellis::ledger::etcd
