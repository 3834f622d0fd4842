#include "kernel/engine/locks.hpp"

#include <algorithm>

namespace trellis::engine {
namespace {

/// Jobs begun beyond what a plugin bears: their intents are stored together, and they are there
/// when it is free.
constexpr std::uint32_t kAhead = 124;

template <class Map, class Key>
void Decrement(Map& map, Key const& key) {
  auto const found = map.find(key);
  if (found != map.end() && --found->second == 0) map.erase(found);
}

std::uint32_t CountOf(std::vector<std::uint32_t> const& counts, std::uint32_t place) {
  return place < counts.size() ? counts[place] : 0;
}

std::uint32_t& At(std::vector<std::uint32_t>& counts, std::uint32_t place) {
  if (place >= counts.size()) counts.resize(place + 1);
  return counts[place];
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

bool Locks::MayBegin(Ticket const& ticket) const {
  auto const ahead = ticket.suspect ? 0 : kAhead;
  return std::all_of(ticket.slots.begin(), ticket.slots.end(), [&](auto const& need) {
    return CountOf(begun_, need.place) < need.limit + ahead;
  });
}

void Locks::Take(Ticket const& ticket) {
  for (auto const& name : ticket.changes)
    writers_.emplace(ticket.key.twin, name);
  for (auto const& name : ticket.uses)
    ++readers_[{ticket.key.twin, name}];
  for (auto const& need : ticket.slots)
    ++At(begun_, need.place);
}

void Locks::Release(Ticket const& ticket) {
  for (auto const& name : ticket.changes)
    writers_.erase({ticket.key.twin, name});
  for (auto const& name : ticket.uses)
    Decrement(readers_, SharedName{ticket.key.twin, name});
  for (auto const& need : ticket.slots)
    --At(begun_, need.place);
}

bool Locks::SlotsFree(std::vector<SlotNeed> const& needs) const {
  return std::all_of(needs.begin(), needs.end(),
                     [&](auto const& need) { return CountOf(slots_, need.place) < need.limit; });
}

void Locks::TakeSlots(std::vector<SlotNeed> const& needs) {
  for (auto const& need : needs)
    ++At(slots_, need.place);
}

void Locks::ReleaseSlots(std::vector<SlotNeed> const& needs) {
  for (auto const& need : needs)
    --At(slots_, need.place);
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
