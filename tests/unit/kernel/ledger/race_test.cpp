#include "tests/unit/kernel/ledger/world.hpp"

#include <set>
#include <thread>

namespace trellis::ledger {
namespace {

constexpr unsigned kThreads = 32;

class Races : public World {
 protected:
  /// Calls `make(i)` from many threads, half of them through a second open ledger; the ids that
  /// were made.
  template <class Make>
  std::multiset<std::uint64_t> Race(Make make) {
    auto other = EmbeddedLedger::Open(path(), {.clock = &clock_});
    std::mutex mutex;
    std::multiset<std::uint64_t> ids;
    {
      std::vector<std::jthread> threads;
      for (unsigned i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
          auto& ledger = i % 2 == 0 ? *ledger_ : **other;
          auto const id = ledger.Submit(By(i % 3 == 0 ? kAlice : kBob), make(i));
          std::lock_guard const lock(mutex);
          if (id) ids.insert(*id);
        });
      }
    }
    return ids;
  }
};

TEST_F(Races, OneGetsTheName) {
  EXPECT_EQ(Race([](unsigned) -> Call { return CreateNameContract{"mysite"}; }).size(), 1);
}

TEST_F(Races, OneGetsTheHash) {
  EXPECT_EQ(Race([](unsigned) -> Call { return Deploy(7); }).size(), 1);
}

TEST_F(Races, OneGetsTheLastAddress) {
  ASSERT_EQ(Name(By(kFarmer),
                 AddFarmIp{.farm = kFarm, .ip = "185.69.166.10/24", .gateway = "185.69.166.1"}),
            "");

  EXPECT_EQ(Race([](unsigned i) -> Call { return Deploy(i, 1); }).size(), 1);
}

TEST_F(Races, IdsAreUniqueAndEventsGapless) {
  auto const ids = Race([](unsigned i) -> Call { return Deploy(i); });

  EXPECT_EQ(ids.size(), kThreads);
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), kThreads);
  auto const page = ledger_->EventsAfter(0, 1000);
  EXPECT_EQ(page->events.size(), page->events.back().seq);
}

}  // namespace
}  // namespace trellis::ledger
