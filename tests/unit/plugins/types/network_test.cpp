#include "tests/unit/plugins/types/type_lab.hpp"

#include <fmt/format.h>

namespace trellis::plugins {
namespace {

// A network with what `more` adds; later members win.
std::string With(std::string_view more) {
  return fmt::format(
      R"({{"ip_range":"10.1.0.0/16","subnet":"10.1.2.0/24","wireguard_private_key":"k",{}}})",
      more);
}

TEST(NetworkType, RefusesTheFirstBrokenRule) {
  TypeLab lab("network");
  auto const verdict = [&](std::string_view more) { return lab.Verdict("network", With(more)); };

  EXPECT_EQ(verdict(R"("x":0)"), "ok");
  EXPECT_EQ(verdict(R"("ip_range":"","subnet":"")"), "net_range");
  EXPECT_EQ(verdict(R"("subnet":"","wireguard_private_key":"")"), "net_subnet");
  EXPECT_EQ(verdict(R"("wireguard_private_key":"","peers":[{}])"), "net_private_key");
  EXPECT_EQ(verdict(R"("peers":[{}])"), "peer_subnet");
  EXPECT_EQ(verdict(R"("peers":[{"subnet":"10.1.3.0/24"}])"), "peer_allowed_ips");
  EXPECT_EQ(verdict(R"("peers":[{"subnet":"10.1.3.0/24","allowed_ips":[""]}])"), "peer_public_key");
  EXPECT_EQ(verdict(R"("mycelium":{"hex_key":"00","peers":["x"]})"), "mycelium_key");
  auto const key = std::string(64, 'a');
  EXPECT_EQ(verdict(R"("mycelium":{"hex_key":")" + key + R"(","peers":["x"]})"), "mycelium_peers");
  EXPECT_EQ(verdict(R"("mycelium":{"hex_key":")" + key + R"("})"), "ok");
  EXPECT_EQ(verdict(R"("subnet":"10.1.2.0")"), "decode");
}

TEST(NetworkType, LeavesRangesAndKeysToProvisioning) {
  TypeLab lab("network");

  EXPECT_EQ(lab.Verdict("network", With(R"("ip_range":"8.8.8.8/3","subnet":"fd00::/64")")), "ok");
}

TEST(NetworkType, HashesAddressesInCanonicalForm) {
  TypeLab lab("network");

  EXPECT_EQ(lab.Challenge("network", With(R"("ip_range":"10.20.0.0/016","subnet":"FD00::AB/64",
    "wireguard_listen_port":51820,"mycelium":{"hex_key":"AB","peers":["p"]},
    "peers":[{"subnet":"10.20.2.7/24","wireguard_public_key":"pk","endpoint":"h:1",
              "allowed_ips":["::ffff:1.2.3.4/128",""]}])")),
            "10.20.0.0/16fd00::ab/64k51820pkh:110.20.2.7/241.2.3.4/32<nil>abp");
  EXPECT_EQ(lab.Challenge("network", "{}"), "<nil><nil>0");
}

TEST(NetworkType, ReservesNothing) {
  TypeLab lab("network");

  EXPECT_EQ(lab.host.CapacityOf("network", "{}").value(), Capacity{});
}

}  // namespace
}  // namespace trellis::plugins
