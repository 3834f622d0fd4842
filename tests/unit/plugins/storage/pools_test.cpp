#include "plugins/storage/pools.hpp"

#include <gtest/gtest.h>

namespace trellis::plugins::storage {
namespace {

PoolConfig APool(std::string name, std::string path, std::string type = "ssd") {
  PoolConfig pool;
  pool.name = std::move(name);
  pool.path = std::move(path);
  pool.type = std::move(type);
  return pool;
}

Result<Pools> Configure(std::vector<PoolConfig> pools) {
  StorageConfig config;
  config.pools = std::move(pools);
  return Pools::Configure(config, "/state");
}

TEST(Pools, DefaultIsOneSsdPoolBelowTheStateDirectory) {
  auto const pools = Configure({});

  ASSERT_TRUE(pools);
  ASSERT_EQ(pools->list().size(), 1U);
  EXPECT_EQ(pools->list()[0].config.path, "/state/pools/ssd0");
  EXPECT_EQ(pools->list()[0].config.type, "ssd");
}

TEST(Pools, NothingIsUsableBeforeMounting) {
  auto const pools = Configure({});

  EXPECT_EQ(pools->Largest("ssd"), 0U);
  EXPECT_EQ(pools->Choose("ssd", 1, Purpose::kDisk).error().message,
            "not enough space left in pools of this type ssd");
  EXPECT_EQ(pools->Total(), Capacity{});
}

TEST(Pools, RefusesConfigurationsThatMakeNoSense) {
  EXPECT_EQ(Configure({APool("a", "relative")}).error().message,
            "path of pool 'a' is not absolute");
  EXPECT_EQ(Configure({APool("a/b", "/x")}).error().message, "pool name 'a/b' is not valid");
  EXPECT_EQ(Configure({APool("a", "/x", "tape")}).error().message,
            "type 'tape' of pool 'a' is neither ssd nor hdd");
  EXPECT_FALSE(Configure({APool("a", "/x"), APool("a", "/y")}));
  EXPECT_FALSE(Configure({APool("a", "/x"), APool("b", "/x")}));
}

TEST(Pools, PoolThatCannotBeMountedStaysWithItsProblem) {
  auto pools = Configure({APool("a", "/proc/no/such/place")});

  pools->Mount();

  EXPECT_FALSE(pools->list()[0].usable());
  EXPECT_EQ(pools->Uses()[0].size, 0U);
}

}  // namespace
}  // namespace trellis::plugins::storage
