#include "kernel/rmb/fair_pool.hpp"

#include <gtest/gtest.h>

#include <future>
#include <string>

namespace trellis::rmb {
namespace {

/// A pool of one thread that stands still until it is let go.
class FairPoolTest : public ::testing::Test {
 protected:
  explicit FairPoolTest(FairLimits limits = Limits()) : pool_("test", limits) {
    std::promise<void> running;
    (void)pool_.Post(0, Lane::kNormal, 0, [&] {
      running.set_value();
      gate_.get_future().wait();
    });
    running.get_future().wait();
  }
  ~FairPoolTest() override {
    if (!open_) gate_.set_value();
  }
  static FairLimits Limits() {
    FairLimits limits;
    limits.threads = 1;
    limits.per_key = 3;
    limits.per_key_bytes = 100;
    limits.total = 8;
    limits.total_bytes = 250;
    return limits;
  }
  bool Post(std::uint64_t key, char name, Lane lane = Lane::kNormal, std::size_t bytes = 1) {
    return pool_.Post(key, lane, bytes, [this, name] { order_ += name; });
  }
  /// Lets the work run; the order it ran in.
  std::string Order() {
    open_ = true;
    std::promise<void> last;
    EXPECT_TRUE(pool_.Post(99, Lane::kSuspect, 0, [&] { last.set_value(); }));
    gate_.set_value();
    last.get_future().wait();
    return order_;
  }

  FairPool pool_;
  std::promise<void> gate_;
  std::string order_;
  bool open_ = false;
};

TEST_F(FairPoolTest, GivesEveryKeyItsTurn) {
  EXPECT_TRUE(Post(1, 'a'));
  EXPECT_TRUE(Post(1, 'b'));
  EXPECT_TRUE(Post(1, 'c'));
  EXPECT_TRUE(Post(2, 'x'));
  EXPECT_TRUE(Post(2, 'y'));
  EXPECT_EQ(Order(), "axbyc");
}

TEST_F(FairPoolTest, ServesSuspectsLast) {
  EXPECT_TRUE(Post(1, 's', Lane::kSuspect));
  EXPECT_TRUE(Post(2, 'a'));
  EXPECT_TRUE(Post(2, 'b'));
  EXPECT_EQ(Order(), "abs");
}

TEST_F(FairPoolTest, LimitsOneKeyWithoutHurtingOthers) {
  EXPECT_TRUE(Post(1, 'a'));
  EXPECT_TRUE(Post(1, 'b'));
  EXPECT_TRUE(Post(1, 'c'));
  EXPECT_FALSE(Post(1, 'd'));
  EXPECT_TRUE(Post(2, 'x'));
  EXPECT_EQ(Order(), "axbc");
}

TEST_F(FairPoolTest, LimitsTheBytesOfAKeyAndOfAll) {
  EXPECT_TRUE(Post(1, 'a', Lane::kNormal, 120));
  EXPECT_FALSE(Post(1, 'b', Lane::kNormal, 1));
  EXPECT_TRUE(Post(2, 'c', Lane::kNormal, 100));
  EXPECT_FALSE(Post(3, 'd', Lane::kNormal, 50));
  EXPECT_TRUE(Post(3, 'e', Lane::kNormal, 30));
  EXPECT_EQ(Order(), "ace");
}

TEST(FairPool, TakesOnePieceOfAnySizeWhenNothingWaits) {
  FairLimits limits;
  limits.total_bytes = 10;
  limits.per_key_bytes = 10;
  FairPool pool("test", limits);
  std::promise<void> done;
  EXPECT_TRUE(pool.Post(1, Lane::kNormal, 1000, [&] { done.set_value(); }));
  done.get_future().wait();
}

TEST(FairPool, DropsWhatWaitsWhenItEnds) {
  auto ran = std::make_shared<int>(0);
  {
    FairLimits limits;
    limits.threads = 1;
    std::promise<void> running;
    std::promise<void> gate;
    auto open = gate.get_future();
    FairPool pool("test", limits);  // ends first: its threads use the rest
    (void)pool.Post(1, Lane::kNormal, 0, [&] {
      running.set_value();
      open.wait();
    });
    running.get_future().wait();
    (void)pool.Post(1, Lane::kNormal, 0, [ran] { ++*ran; });
    gate.set_value();
  }
  EXPECT_EQ(ran.use_count(), 1);
}

}  // namespace
}  // namespace trellis::rmb
