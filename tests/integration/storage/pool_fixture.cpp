#include "tests/integration/storage/pool_fixture.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/mounts.hpp"
#include "tests/support/patience.hpp"

#include <chrono>
#include <thread>

namespace trellis::testing {

using namespace trellis::plugins;

std::size_t CountLoops(std::string const& dir) {
  std::size_t count = 0;
  auto const names = ListDir("/sys/block");
  if (!names) return count;
  for (auto const& name : *names) {
    auto const file = ReadFile("/sys/block/" + name + "/loop/backing_file", 4096);
    if (file && file->starts_with(dir)) ++count;
  }
  return count;
}

void PoolTest::LoadStorage() {
  auto const config =
      fmt::format(R"({{"pools":[{{"name":"ssd0","path":"{}","size":{}}}]}})", pool_, kPoolSize);
  auto const loaded = host_.Load(FakeHost::BuiltPlugin("storage"), config);
  ASSERT_TRUE(loaded) << loaded.error().message;
}

void PoolTest::SetUp() {
  LoadStorage();
  auto const loaded = host_.Load(FakeHost::BuiltPlugin("zmount"));
  ASSERT_TRUE(loaded) << loaded.error().message;
}

// It lets go of a loop device when nobody on this machine looks at it any more.
std::size_t CountSettledLoops(std::string const& dir) {
  auto const end = std::chrono::steady_clock::now() + kPatience;
  while (CountLoops(dir) != 0 && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  return CountLoops(dir);
}

void PoolTest::TearDown() {
  auto const unmounted = Unmount(mount_point());
  EXPECT_TRUE(unmounted) << unmounted.error().message;
  EXPECT_EQ(CountSettledLoops(host_.dir()), 0U);
}

}  // namespace trellis::testing
