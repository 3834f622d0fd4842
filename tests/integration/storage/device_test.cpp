#include "plugins/common/posix/mounts.hpp"
#include "tests/integration/storage/pool_fixture.hpp"

#include <trellis/services/storage.hpp>

namespace trellis::testing {
namespace {

using namespace trellis::services;

class DeviceTest : public PoolTest {
 protected:
  void SetUp() override {}
  void TearDown() override {
    EXPECT_TRUE(plugins::Unmount(host_.dir() + "/hdd/mnt"));
    PoolTest::TearDown();
  }
  void Load(std::string const& more_pools, std::string const& more = "") {
    auto const config = fmt::format(R"({{"pools":[{{"name":"ssd0","path":"{}","size":{}}}{}]{}}})",
                                    pool_, kPoolSize, more_pools, more);
    auto const loaded = host_.Load(FakeHost::BuiltPlugin("storage"), config);
    ASSERT_TRUE(loaded) << loaded.error().message;
  }
  void LoadWithHdd() {
    Load(fmt::format(R"(,{{"name":"hdd0","path":"{}/hdd","type":"hdd","size":{}}})", host_.dir(),
                     kPoolSize));
  }
  Result<Device> Ask(std::string_view method, DeviceRequest const& request) {
    return host_.CallService<Device>(kStorageDevice, method, request);
  }
  Result<Disk> CreateDisk(std::uint64_t size) {
    return host_.CallService<Disk>(kStorageDisk, "create", DiskRequest{"1-2-d", size});
  }
};

TEST_F(DeviceTest, HddPoolIsLentToOneOwner) {
  LoadWithHdd();

  auto const first = Ask("allocate", {"@zdb/a", 1, "hdd"});
  auto const again = Ask("allocate", {"@zdb/a", 1, "hdd"});
  auto const other = Ask("allocate", {"@zdb/b", 1, "hdd"});

  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->id, "hdd0");
  EXPECT_EQ(first->size, kPoolSize);
  EXPECT_EQ(again->path, first->path);
  EXPECT_EQ(other.error().message, "no free pool of type hdd");
}

TEST_F(DeviceTest, ReleaseMakesThePoolFreeAgain) {
  LoadWithHdd();
  ASSERT_TRUE(Ask("allocate", {"@zdb/a", 1, "hdd"}));

  EXPECT_TRUE(host_.CallService<json::Nothing>(kStorageDevice, "release", DeviceRequest{"@zdb/a"}));
  EXPECT_TRUE(host_.CallService<json::Nothing>(kStorageDevice, "release", DeviceRequest{"@zdb/a"}));

  EXPECT_EQ(Ask("lookup", {"@zdb/a"}).error().code, Code::kNotFound);
  EXPECT_TRUE(Ask("allocate", {"@zdb/b", 1, "hdd"}));
}

TEST_F(DeviceTest, SsdPoolIsNotLentUnlessConfigured) {
  LoadWithHdd();

  EXPECT_EQ(Ask("allocate", {"@zdb/a", 1, "ssd"}).error().code, Code::kExhausted);
}

TEST_F(DeviceTest, PartOfAnSsdPoolStandsInForHdd) {
  Load("", R"(,"hdd_from_ssd":true)");

  auto const device = Ask("allocate", {"@zdb/a", 1, "hdd"});
  auto const second = Ask("allocate", {"@zdb/b", 1, "hdd"});

  ASSERT_TRUE(device) << device.error().message;
  EXPECT_EQ(device->size, kPoolSize / 2);
  EXPECT_EQ(second.error().code, Code::kExhausted);
  EXPECT_EQ(host_.Providers("capacity")->at(0),
            R"({"cru":0,"sru":209715200,"hru":209715200,"mru":0,"ipv4u":0})");
}

TEST_F(DeviceTest, HddShareIsKeptFreeOfDisks) {
  Load("", R"(,"hdd_from_ssd":true)");

  EXPECT_EQ(CreateDisk(kPoolSize / 2 + 1).error().code, Code::kExhausted);
  EXPECT_TRUE(CreateDisk(kPoolSize / 4));
}

TEST_F(DeviceTest, OnlyPluginsOwnDevices) {
  LoadWithHdd();

  EXPECT_EQ(Ask("allocate", {"1-2-zdb", 1, "hdd"}).error().code, Code::kInvalid);
}

}  // namespace
}  // namespace trellis::testing
