#include "tests/unit/plugins/types/type_lab.hpp"

namespace trellis::plugins {
namespace {

TEST(IpType, WantsAtLeastOneFamily) {
  TypeLab lab("ip");

  EXPECT_EQ(lab.Verdict("ip", R"({"v4":true})"), "ok");
  EXPECT_EQ(lab.Verdict("ip", R"({"v6":true})"), "ok");
  EXPECT_EQ(lab.Verdict("ip", R"({"v4":false,"v6":false})"), "ip_no_selection");
}

TEST(IpType, KnowsOnlyTheKeysOfTheWire) {
  TypeLab lab("ip");

  EXPECT_EQ(lab.Verdict("ip", R"({"ipv4":true,"ipv6":true})"), "ip_no_selection");
  EXPECT_EQ(lab.Verdict("ip", R"({"V4":true})"), "ok");
}

TEST(IpType, HashesBothFlagsAndCountsAddresses) {
  TypeLab lab("ip");

  EXPECT_EQ(lab.Challenge("ip", R"({"v6":true})"), "falsetrue");
  EXPECT_EQ(lab.host.CapacityOf("ip", R"({"v4":true,"v6":true})").value().ipv4u, 1U);
  EXPECT_EQ(lab.host.CapacityOf("ip", R"({"v6":true})").value(), Capacity{});
}

}  // namespace
}  // namespace trellis::plugins
