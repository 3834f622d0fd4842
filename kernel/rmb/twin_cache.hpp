// Twins remembered for a while, so that I/O threads never wait for a ledger.
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/rmb/fair_pool.hpp"
#include "kernel/rmb/twins.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

namespace trellis::rmb {

/// Shared by the cache and those who look at the twin.
using TwinPtr = std::shared_ptr<TwinInfo const>;

struct TwinCacheOptions {
  std::int64_t known_s = 300;   ///< how long a twin is believed
  std::int64_t unknown_s = 5;   ///< how long "no such twin" is believed
  std::int64_t refetch_s = 10;  ///< at most one look past the cache for a twin in this time
  std::size_t entries = 100000;
  std::size_t waiting = 10000;  ///< look-ups that wait; more fail with kUnavailable
};

struct TwinCacheCounters {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t flushes = 0;
  std::uint64_t entries = 0;
};

/// Safe for use by several threads. Look-ups run on threads named `twins-N`; parallel ones of a
/// twin are one.
class TwinCache {
 public:
  using Found = Result<TwinPtr>;  ///< kNotFound; kUnavailable when the ledger is away
  /// Once, on the calling thread when the answer is there, else on a thread of the cache.
  using Callback = std::function<void(Found)>;

  /// `twins` and `clock` are borrowed.
  TwinCache(TwinDirectory& twins, TwinCacheOptions const& options, Clock const& clock);

  /// What is known without asking.
  [[nodiscard]] std::optional<Found> Peek(std::uint32_t id);
  void Fetch(std::uint32_t id, Callback callback);
  /// Past the cache, when the last such look is long enough ago; else as Fetch.
  void Refetch(std::uint32_t id, Callback callback);
  /// As Fetch; waits.
  [[nodiscard]] Found Get(std::uint32_t id);

  /// The twin changed.
  void Forget(std::uint32_t id);
  /// Any twin may have changed.
  void Flush();
  [[nodiscard]] TwinCacheCounters counters() const;

 private:
  struct Entry {
    std::optional<Found> found;
    std::int64_t until = 0;                  // monotonic seconds
    std::int64_t refetched = INT64_MIN / 2;  // when it was last looked up past the cache
    std::uint64_t generation = 0;            // of the look-up under way
    std::vector<Callback> waiting;           // for the look-up under way
    bool looking = false;
  };

  void Look(std::uint32_t id, Callback callback, bool refetch);
  void Finish(std::uint32_t id, Found found, std::uint64_t generation);
  void MakeRoom(std::int64_t now);
  [[nodiscard]] std::int64_t Now() const;

  TwinDirectory& twins_;
  TwinCacheOptions options_;
  Clock const& clock_;
  mutable std::mutex mutex_;  // guards the four below
  std::unordered_map<std::uint32_t, Entry> entries_;
  TwinCacheCounters counters_;
  std::uint64_t generation_ = 0;  // grows with every look-up, Forget and Flush
  std::size_t waiting_ = 0;
  FairPool pool_;  // last: its threads use the rest
};

}  // namespace trellis::rmb
