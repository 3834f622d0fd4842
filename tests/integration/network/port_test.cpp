// Ports of the node that plugins reserve.
#include "tests/integration/network/lab.hpp"

#include <trellis/services/net.hpp>
#include <trellis/services/storage.hpp>

#include <gmock/gmock.h>

namespace trellis::plugins::network {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(NetworkLab, ReservedPortsAreNobodyElses) {
  using services::PortReserve;
  using services::ReservedPort;
  auto const reserve = [this](std::string const& owner, std::string const& proto) {
    return host_->CallService<ReservedPort>(services::kNetPorts, "reserve",
                                            PortReserve{owner, proto});
  };
  auto const call = [this](char const* method, auto const& request) {
    return host_->CallService<json::Nothing>(services::kNetPorts, method, request).has_value();
  };
  auto const udp = reserve("@gateway/one", "udp");
  auto const tcp = reserve("7-100-web", "tcp");
  ASSERT_TRUE(udp && tcp);

  EXPECT_EQ(reserve("@gateway/one", "udp")->port, udp->port);
  EXPECT_THAT(Provision("7-100-net1", udp->port).error, HasSubstr("is already in the set"));
  EXPECT_THAT(host_->Command("zos.network.list_wg_ports", "null").value(),
              HasSubstr(std::to_string(udp->port)));
  auto const told = host_->CallService<services::WireGuardPorts>(services::kNetPorts, "wireguard",
                                                                 json::Nothing{});
  ASSERT_TRUE(told);
  EXPECT_THAT(told->ports, Contains(udp->port));
  EXPECT_THAT(told->ports, Not(Contains(tcp->port)));
  ASSERT_TRUE(host_->Unload("network"));
  Load();
  EXPECT_EQ(reserve("7-100-web", "tcp")->port, tcp->port) << "also after a restart";
  EXPECT_EQ(reserve("", "udp").error().message, "a port needs an owner");
  EXPECT_EQ(reserve("7-100-web", "sctp").error().message, "'sctp' is no protocol: udp or tcp");

  ASSERT_TRUE(call("reconcile", services::Reconcile{}));
  auto const left =
      host_->CallService<services::ReservedPorts>(services::kNetPorts, "list", json::Nothing{});
  ASSERT_EQ(left->ports.size(), 1U);
  EXPECT_EQ(left->ports[0].owner, "@gateway/one");
  ASSERT_TRUE(call("release", services::PortRelease{"@gateway/one"}));
  EXPECT_TRUE(call("release", services::PortRelease{"@gateway/one"}));
  EXPECT_TRUE(Provision("7-100-net1", udp->port).ok());
}

}  // namespace
}  // namespace trellis::plugins::network
