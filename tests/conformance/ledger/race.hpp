// Many callers at once.
#pragma once

#include "tests/support/ledger_grid.hpp"

#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace trellis::ledger {

inline constexpr unsigned kRacers = 32;

/// Calls `make(i)` from many threads, which take turns over the ledgers; the ids that were made.
template <class Make>
std::multiset<std::uint64_t> Race(std::vector<Ledger*> const& ledgers, Make make) {
  std::mutex mutex;
  std::multiset<std::uint64_t> ids;
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < kRacers; ++i) {
      threads.emplace_back([&, i] {
        auto const id =
            ledgers[i % ledgers.size()]->Submit(By(i % 3 == 0 ? kAlice : kBob), make(i));
        std::lock_guard const lock(mutex);
        if (id) ids.insert(*id);
      });
    }
  }
  return ids;
}

}  // namespace trellis::ledger
