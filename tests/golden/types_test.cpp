// The types as their plugins register them.
#include "tests/golden/types.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace trellis::golden {
namespace {

TEST(Types, OnlyNetworksAreShared) {
  for (auto const& type : AllTypes().Types())
    EXPECT_EQ(type.sharable, type.name == "network" || type.name == "network-light") << type.name;
}

TEST(Types, HaveTheirPublishedRanks) {
  std::map<std::string, std::uint32_t> const published = {{"zmount", 100},
                                                          {"qsfs", 200},
                                                          {"network", 300},
                                                          {"ip", 410},
                                                          {"zmachine", 500},
                                                          {"zlogs", 600},
                                                          {"zdb", 700},
                                                          {"gateway-name-proxy", 800},
                                                          {"gateway-fqdn-proxy", 810}};
  for (auto const& [name, rank] : published) {
    auto const type = AllTypes().Type(name);
    ASSERT_TRUE(type.has_value()) << name;
    EXPECT_EQ(type->rank, rank) << name;
  }
}

}  // namespace
}  // namespace trellis::golden
