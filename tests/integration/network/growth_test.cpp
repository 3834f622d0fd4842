// Networks that come and go leave nothing, in the kernel or in the process.
#include "tests/integration/network/lab.hpp"

namespace trellis::plugins::network {
namespace {

// What is there of a node, besides memory.
struct Things {
  std::size_t links = 0;
  std::size_t namespaces = 0;
  std::size_t descriptors = 0;
  std::size_t processes = 0;
  std::size_t stored = 0;
};

std::size_t ResidentKiB() {
  auto const text = ReadFile("/proc/self/status", 1U << 16U).value();
  return std::stoul(text.substr(text.find("VmRSS:") + 6));
}

TEST_F(NetworkLab, NothingGrowsOverTwoHundredNetworks) {
  constexpr int kRounds = 10;
  constexpr int kAtOnce = 20;
  auto const count = [this] {
    return Things{LinksHere().size(), namespaces_->List()->size(), ListDir("/proc/self/fd")->size(),
                  host_->Processes().size(), host_->Store("network").size()};
  };
  auto const round = [this](int number) {
    auto const id = [number](int i) { return fmt::format("7-{}-net{}", 100 + number, i); };
    for (int i = 0; i < kAtOnce; ++i) {
      auto const made = Provision(id(i), static_cast<unsigned>(2000 + i));
      ASSERT_TRUE(made.ok()) << made.error;
    }
    for (int i = 0; i < kAtOnce; ++i)
      ASSERT_TRUE(host_->Deprovision("network", id(i), Data(static_cast<unsigned>(2000 + i))).ok());
  };
  ASSERT_NO_FATAL_FAILURE(round(0));  // caches are warm
  auto const before = count();
  auto const memory = ResidentKiB();

  for (int number = 1; number < kRounds; ++number)
    ASSERT_NO_FATAL_FAILURE(round(number));

  auto const after = count();
  EXPECT_EQ(after.links, before.links);
  EXPECT_EQ(after.namespaces, before.namespaces);
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_EQ(after.processes, before.processes);
  EXPECT_EQ(after.stored, 0U);
  EXPECT_LT(ResidentKiB(), memory + 4096) << "the allocator may keep some, 180 networks may not";
}

}  // namespace
}  // namespace trellis::plugins::network
