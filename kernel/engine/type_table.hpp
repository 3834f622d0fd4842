// What the engine needs to know of workload types, looked up without asking the plugins each time.
#pragma once

#include "kernel/engine/ticket.hpp"
#include "kernel/plugin/types.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace trellis::engine {

struct TypeFacts {
  std::size_t position = 0;  ///< in the order of provisioning
  bool sharable = false;
  bool updatable = false;
  bool pausable = false;  ///< has a real pause
  SlotNeed slot;
};
using TypeMap = std::map<std::string, TypeFacts, std::less<>>;

/// Position of each type: topological over `after`, then rank, then name.
[[nodiscard]] std::map<std::string, std::size_t, std::less<>> TypeOrder(
    std::vector<plugin::TypeInfo> const& types);
/// Numbers for the places that slots are of: the same name keeps its number.
using PlaceNumbers = std::map<std::string, std::uint32_t>;
[[nodiscard]] TypeMap MakeTypeMap(std::vector<plugin::TypeInfo> const& types, PlaceNumbers& places);

/// Safe for use by several threads.
class TypeTable {
 public:
  explicit TypeTable(plugin::Plugins const& plugins) : plugins_(plugins) {}
  /// The types there are now.
  [[nodiscard]] std::shared_ptr<TypeMap const> Get() const;

 private:
  plugin::Plugins const& plugins_;
  mutable std::mutex mutex_;                      // guards the three below
  mutable std::shared_ptr<TypeMap const> types_;  // shared with those who use it
  mutable std::uint64_t revision_ = 0;
  mutable PlaceNumbers places_;
};

}  // namespace trellis::engine
