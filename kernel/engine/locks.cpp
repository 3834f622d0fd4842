#include "kernel/engine/locks.hpp"

#include <algorithm>

namespace trellis::engine {
namespace {

template <class Map, class Key>
void Decrement(Map& map, Key const& key) {
  auto const found = map.find(key);
  if (found != map.end() && --found->second == 0) map.erase(found);
}

}  // namespace

bool Locks::SharablesFree(Ticket const& ticket) const {
  auto const twin = ticket.key.twin;
  return std::none_of(ticket.changes.begin(), ticket.changes.end(),
                      [&](auto const& name) {
                        SharedName const shared{twin, name};
                        return writers_.contains(shared) || readers_.contains(shared);
                      }) &&
         std::none_of(ticket.uses.begin(), ticket.uses.end(), [&](auto const& name) {
           return writers_.contains({twin, name});
         });
}

bool Locks::SlotsFree(Ticket const& ticket) const {
  return std::all_of(ticket.slots.begin(), ticket.slots.end(), [&](auto const& need) {
    return need.place >= slots_.size() || slots_[need.place] < need.limit;
  });
}

void Locks::Take(Ticket const& ticket) {
  for (auto const& name : ticket.changes)
    writers_.emplace(ticket.key.twin, name);
  for (auto const& name : ticket.uses)
    ++readers_[{ticket.key.twin, name}];
  for (auto const& need : ticket.slots) {
    if (need.place >= slots_.size()) slots_.resize(need.place + 1);
    ++slots_[need.place];
  }
}

void Locks::ReleaseSharables(Ticket const& ticket) {
  for (auto const& name : ticket.changes)
    writers_.erase({ticket.key.twin, name});
  for (auto const& name : ticket.uses)
    Decrement(readers_, SharedName{ticket.key.twin, name});
}

void Locks::ReleaseSlots(Ticket const& ticket) {
  for (auto const& need : ticket.slots)
    --slots_[need.place];
}

void Locks::RestoreQueued(Ticket const& ticket) {
  for (auto const& name : ticket.changes)
    ++restoring_[{ticket.key.twin, name}];
}

void Locks::RestoreTried(Ticket const& ticket) {
  for (auto const& name : ticket.changes)
    Decrement(restoring_, SharedName{ticket.key.twin, name});
}

bool Locks::WaitsForRestore(Ticket const& ticket) const {
  return !restoring_.empty() &&
         std::any_of(ticket.uses.begin(), ticket.uses.end(), [&](auto const& name) {
           return restoring_.contains({ticket.key.twin, name});
         });
}

}  // namespace trellis::engine
