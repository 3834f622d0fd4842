#include "kernel/rmb/twin_cache.hpp"

#include "tests/support/bus/clock.hpp"
#include "tests/support/bus/twins.hpp"

#include <gtest/gtest.h>

#include <future>

namespace trellis::rmb {
namespace {

class TwinCacheTest : public ::testing::Test {
 protected:
  TwinCacheTest() { twins_.Add(1, "relay"); }
  TwinCache::Found Refetch(std::uint32_t id) {
    std::promise<TwinCache::Found> promise;
    cache_.Refetch(id, [&](TwinCache::Found found) { promise.set_value(std::move(found)); });
    return promise.get_future().get();
  }
  testing::FakeClock clock_;
  testing::BusTwins twins_;
  TwinCache cache_{twins_, {}, clock_};
};

TEST_F(TwinCacheTest, AsksOnceAndRemembers) {
  EXPECT_FALSE(cache_.Peek(1).has_value());
  EXPECT_EQ((*cache_.Get(1))->relay, "relay");
  twins_.SetRelay(1, "new");
  EXPECT_EQ((*cache_.Get(1))->relay, "relay");
  EXPECT_EQ(twins_.lookups(), 1U);
  clock_.Advance(300);
  EXPECT_EQ((*cache_.Get(1))->relay, "new");
  EXPECT_EQ(twins_.lookups(), 2U);
}

TEST_F(TwinCacheTest, RemembersUnknownTwinsShortly) {
  EXPECT_EQ(cache_.Get(2).error().code, Code::kNotFound);
  twins_.Add(2, "relay");
  EXPECT_EQ(cache_.Get(2).error().code, Code::kNotFound);
  clock_.Advance(5);
  EXPECT_TRUE(cache_.Get(2));
}

TEST_F(TwinCacheTest, DoesNotRememberThatTheLedgerWasAway) {
  twins_.SetAway(true);
  EXPECT_EQ(cache_.Get(1).error().code, Code::kUnavailable);
  twins_.SetAway(false);
  EXPECT_TRUE(cache_.Get(1));
}

TEST_F(TwinCacheTest, ForgetsATwinThatChanged) {
  (void)cache_.Get(1);
  twins_.SetRelay(1, "new");
  cache_.Forget(1);
  EXPECT_EQ((*cache_.Get(1))->relay, "new");
  twins_.SetRelay(1, "newer");
  cache_.Flush();
  EXPECT_EQ((*cache_.Get(1))->relay, "newer");
  EXPECT_EQ(cache_.counters().flushes, 1U);
}

TEST_F(TwinCacheTest, LooksPastItselfOnlyNowAndThen) {
  (void)cache_.Get(1);
  twins_.SetRelay(1, "new");
  EXPECT_EQ((*Refetch(1))->relay, "new");
  twins_.SetRelay(1, "newer");
  EXPECT_EQ((*Refetch(1))->relay, "new");
  clock_.Advance(10);
  EXPECT_EQ((*Refetch(1))->relay, "newer");
}

/// Answers only when it is let go.
class SlowTwins final : public TwinDirectory {
 public:
  Result<TwinInfo> Twin(std::uint32_t id) override {
    ++lookups;
    gate.get_future().wait();
    TwinInfo twin;
    twin.id = id;
    return twin;
  }
  std::promise<void> gate;
  std::atomic<int> lookups{0};
};

TEST(TwinCache, MakesOneLookUpOfParallelMisses) {
  testing::FakeClock clock;
  SlowTwins twins;
  TwinCache cache(twins, {}, clock);
  std::promise<void> all;
  std::atomic<int> answers{0};
  for (int i = 0; i < 10; ++i) {
    cache.Fetch(1, [&](TwinCache::Found const& found) {
      EXPECT_TRUE(found);
      if (++answers == 10) all.set_value();
    });
  }
  twins.gate.set_value();
  all.get_future().wait();
  EXPECT_EQ(twins.lookups, 1);
}

TEST(TwinCache, LimitsWhatWaits) {
  testing::FakeClock clock;
  SlowTwins twins;
  TwinCacheOptions options;
  options.waiting = 2;
  TwinCache cache(twins, options, clock);
  std::promise<Code> refused;
  for (int i = 0; i < 2; ++i)
    cache.Fetch(1, [](TwinCache::Found const&) {});
  cache.Fetch(1, [&](TwinCache::Found const& found) { refused.set_value(found.error().code); });
  EXPECT_EQ(refused.get_future().get(), Code::kUnavailable);
  twins.gate.set_value();
}

TEST(TwinCache, HoldsALimitedNumberOfTwins) {
  testing::FakeClock clock;
  testing::BusTwins twins;
  TwinCacheOptions options;
  options.entries = 10;
  TwinCache cache(twins, options, clock);
  for (std::uint32_t id = 1; id <= 100; ++id)
    (void)cache.Get(id);
  EXPECT_LE(cache.counters().entries, 10U);
}

}  // namespace
}  // namespace trellis::rmb
