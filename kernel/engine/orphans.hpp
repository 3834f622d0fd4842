// What plugins hold although nothing stored asks for it.
#pragma once

#include "kernel/engine/context.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::engine {

/// Look belongs to one thread; the rest is safe for use by several.
class Orphans {
 public:
  explicit Orphans(Context const& context) : context_(context) {}

  /// Asks every type what it owns. What no stored workload owns is removed when it was seen twice,
  /// a minute apart, but never before everything was restored, nor while the store is new and
  /// nobody has confirmed that what it does not know may go (then the store may have been lost).
  void Look();
  /// An operator says that what the store does not know may be removed. Durable.
  Result<void> Confirm();

  /// Seen in the last round.
  [[nodiscard]] std::uint64_t seen() const { return seen_; }
  [[nodiscard]] std::uint64_t removed() const { return removed_; }
  /// Orphans wait for Confirm.
  [[nodiscard]] bool held() const { return held_; }

 private:
  struct Found {
    std::string id;
    std::string type;
  };
  Result<std::vector<Found>> Find();
  enum class May : std::uint8_t { kYes, kNotYet, kUnconfirmed };
  [[nodiscard]] Result<May> MayRemove(bool any);
  void Remove(Found const& found);

  Context const& context_;
  std::map<std::string, std::int64_t> sightings_;  // id and type -> when first seen, monotonic
  std::atomic<std::uint64_t> seen_{0};
  std::atomic<std::uint64_t> removed_{0};
  std::atomic<bool> held_{false};
};

}  // namespace trellis::engine
