#include "kernel/engine/type_table.hpp"

#include <algorithm>

namespace trellis::engine {
namespace {

using Waiting = std::map<std::string, plugin::TypeInfo const*>;

/// The lowest rank, then name, of those whose predecessors are placed (`any`: of all).
plugin::TypeInfo const* Best(Waiting const& waiting, bool any) {
  plugin::TypeInfo const* best = nullptr;
  for (auto const& [name, type] : waiting) {
    bool const ready =
        any || std::none_of(type->after.begin(), type->after.end(),
                            [&](auto const& other) { return waiting.contains(other); });
    if (ready &&
        (best == nullptr || std::pair(type->rank, type->name) < std::pair(best->rank, best->name)))
      best = type;
  }
  return best;
}

SlotNeed SlotOf(plugin::TypeInfo const& type, PlaceNumbers& places) {
  auto const name = type.serial ? "plugin " + type.plugin : "type " + type.name;
  auto const number = static_cast<std::uint32_t>(places.size());
  auto const place = places.try_emplace(name, number).first->second;
  return {place, type.serial ? 1 : type.max_parallel};
}

}  // namespace

std::map<std::string, std::size_t, std::less<>> TypeOrder(
    std::vector<plugin::TypeInfo> const& types) {
  Waiting waiting;
  for (auto const& type : types)
    waiting.emplace(type.name, &type);
  std::map<std::string, std::size_t, std::less<>> order;
  while (!waiting.empty()) {
    auto const* best = Best(waiting, /*any=*/false);
    if (best == nullptr) best = Best(waiting, /*any=*/true);  // a cycle of `after`
    order.emplace(best->name, order.size());
    waiting.erase(best->name);
  }
  return order;
}

TypeMap MakeTypeMap(std::vector<plugin::TypeInfo> const& types, PlaceNumbers& places) {
  auto const order = TypeOrder(types);
  TypeMap map;
  for (auto const& type : types) {
    map.emplace(type.name, TypeFacts{order.at(type.name), type.sharable, type.updatable,
                                     type.pausable, SlotOf(type, places)});
  }
  return map;
}

std::shared_ptr<TypeMap const> TypeTable::Get() const {
  auto const revision = plugins_.Revision();
  std::lock_guard const lock(mutex_);
  if (types_ == nullptr || revision_ != revision) {
    types_ = std::make_shared<TypeMap const>(MakeTypeMap(plugins_.Types(), places_));
    revision_ = revision;
  }
  return types_;
}

}  // namespace trellis::engine
