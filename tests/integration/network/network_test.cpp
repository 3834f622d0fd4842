#include "tests/integration/network/lab.hpp"

#include <trellis/services/net.hpp>

#include <gmock/gmock.h>

namespace trellis::plugins::network {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Result<services::Attachment> Attach(trellis::testing::FakeHost& host, std::string const& owner,
                                    std::string const& ip, std::uint32_t twin = 7) {
  return host.CallService<services::Attachment>(services::kNetAttach, "private",
                                                services::AttachPrivate{owner, twin, "net1", ip});
}

TEST_F(NetworkLab, GuestsReachTheirGatewayAndNobodyElse) {
  auto const first = Provision("7-100-net1", 2001);
  ASSERT_TRUE(first.ok()) << first.error;
  auto const second = Provision("8-101-net1", 2002);
  ASSERT_TRUE(second.ok()) << second.error;
  auto const net7 = NetId(7, "net1");
  auto const net8 = NetId(8, "net1");
  AddGuest("a", net7, "10.1.2.5/24");
  AddGuest("b", net7, "10.1.2.6/24");
  AddGuest("c", net8, "10.1.2.5/24");  // the same address, in another twin's network
  AddGuest("d", net8, "10.1.2.7/24");
  EXPECT_TRUE(Reaches("a", "10.1.2.1"));
  EXPECT_TRUE(Reaches("a", "10.1.2.6"));
  EXPECT_TRUE(Reaches("c", "10.1.2.1"));
  EXPECT_TRUE(IsCutOff("a", "10.1.2.7"));
  EXPECT_TRUE(IsCutOff("a", "100.127.0.3"));  // the other network towards the router
  EXPECT_TRUE(IsCutOff("a", "100.126.0.1"));  // the node
}

TEST_F(NetworkLab, GuestsReachTheOutsideThroughTheNode) {
  ASSERT_TRUE(Provision("7-100-net1", 2001).ok());
  AddGuest("a", NetId(7, "net1"), "10.1.2.5/24");
  ASSERT_NO_FATAL_FAILURE(AddInternet());
  EXPECT_TRUE(Reaches("a", "198.51.100.9"));
  EXPECT_TRUE(IsCutOff("outside", "100.127.0.2"));
}

TEST_F(NetworkLab, ProvisionTwiceChangesNothing) {
  ASSERT_TRUE(Provision("7-100-net1", 2001).ok());
  auto const bridge = BridgeName(NetId(7, "net1"));
  auto links = Links::Open();
  ASSERT_TRUE(links);
  auto const before = links->Get(bridge);
  ASSERT_TRUE(before);
  ASSERT_TRUE(host_->Unload("network"));
  Load();
  ASSERT_TRUE(Provision("7-100-net1", 2001).ok());
  auto const after = links->Get(bridge);
  ASSERT_TRUE(after);
  EXPECT_EQ(before->index, after->index);
  auto const seen = host_->Inspect("network", "7-100-net1", Data(2001));
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_EQ(seen->state, Observed::State::kRunning) << seen->detail;
}

TEST_F(NetworkLab, InspectTellsTheFirstDifferenceAndProvisionRepairs) {
  ASSERT_TRUE(Provision("7-100-net1", 2001).ok());
  auto const net_id = NetId(7, "net1");
  auto const attached = Attach(*host_, "7-100-vm1", "10.1.2.5");
  ASSERT_TRUE(attached) << attached.error().message;
  auto links = Links::Open();
  ASSERT_TRUE(links);
  ASSERT_TRUE(links->Delete(BridgeName(net_id)));
  auto const broken = host_->Inspect("network", "7-100-net1", Data(2001));
  ASSERT_TRUE(broken);
  EXPECT_EQ(broken->state, Observed::State::kDrifted);
  EXPECT_EQ(broken->detail, "the bridge is missing");
  ASSERT_TRUE(Provision("7-100-net1", 2001).ok());
  EXPECT_EQ(links->Get(attached->tap).value().master, links->Get(BridgeName(net_id)).value().index);
  auto const repaired = host_->Inspect("network", "7-100-net1", Data(2001));
  ASSERT_TRUE(repaired);
  EXPECT_EQ(repaired->state, Observed::State::kRunning) << repaired->detail;
}

TEST_F(NetworkLab, DeprovisionLeavesNothing) {
  ASSERT_TRUE(Provision("7-100-net1", 2001).ok());
  ASSERT_TRUE(host_->Deprovision("network", "7-100-net1", Data(2001)).ok());
  EXPECT_THAT(LinksHere(), Each(Not(StartsWith("b-"))));
  EXPECT_FALSE(namespaces_->Exists(NamespaceName(NetId(7, "net1"))));
  EXPECT_TRUE(host_->Store("network").empty());
  EXPECT_TRUE(host_->Deprovision("network", "7-100-net1", Data(2001)).ok());
  auto const seen = host_->Inspect("network", "7-100-net1", Data(2001));
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->state, Observed::State::kAbsent);
}

TEST_F(NetworkLab, PortsAreTakenOnceAndGivenBack) {
  ASSERT_TRUE(Provision("7-100-net1", 2001).ok());
  auto const refused = Provision("8-101-net1", 2001);
  EXPECT_FALSE(refused.ok());
  EXPECT_THAT(refused.error, HasSubstr("port 2001 is already in the set"));
  EXPECT_EQ(host_->Command("zos.network.list_wg_ports", "null").value(),
            "[80,300,443,2001,8082,9651,9943,9944,9945]");
  auto const updated = host_->Update("network", "7-100-net1", Data(2003));
  ASSERT_TRUE(updated.ok()) << updated.error;
  EXPECT_TRUE(Provision("8-101-net1", 2001).ok());
}

TEST_F(NetworkLab, APortThatIsTakenLeavesBothNetworksAsTheyAre) {
  ASSERT_TRUE(Provision("7-100-net1", 2001).ok());
  ASSERT_TRUE(Provision("8-101-net1", 2002).ok());

  auto const refused = host_->Update("network", "8-101-net1", Data(2001));

  EXPECT_EQ(refused.status, TRL_UNCHANGED);
  EXPECT_THAT(refused.error, HasSubstr("port 2001 is already in the set"));
  for (auto const& [id, port] : {std::pair{"7-100-net1", 2001U}, {"8-101-net1", 2002U}}) {
    auto const seen = host_->Inspect("network", id, Data(port));
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->state, Observed::State::kRunning) << seen->detail;
  }
  ASSERT_TRUE(host_->Deprovision("network", "7-100-net1", Data(2001)).ok());
  EXPECT_TRUE(host_->Update("network", "8-101-net1", Data(2001)).ok()) << "now it is free";
}

TEST_F(NetworkLab, PrivateAddressesAreListedForTheirOwnTwin) {
  ASSERT_TRUE(Provision("7-100-net1", 2001).ok());
  ASSERT_TRUE(Provision("8-101-net1", 2002).ok());
  ASSERT_TRUE(Attach(*host_, "7-100-vm2", "10.1.2.6"));
  ASSERT_TRUE(Attach(*host_, "7-100-vm1", "10.1.2.5"));
  ASSERT_TRUE(Attach(*host_, "8-101-vm1", "10.1.2.9", 8));
  trellis::testing::CallOptions as7;
  as7.twin_id = 7;
  auto const list = [&](std::string const& payload) {
    return host_->Command("zos.network.list_private_ips", payload, as7);
  };
  EXPECT_EQ(list(R"({"network_name":"net1"})").value(), R"(["10.1.2.5","10.1.2.6"])");
  EXPECT_EQ(list(R"({"network_name":"other"})").value(), "[]");
  EXPECT_THAT(list("7").error().message, StartsWith("failed to decode input"));
  EXPECT_EQ(host_->Command("zos.network.list_public_ips", "null").value(), "[]");
}

TEST_F(NetworkLab, AttachAnswersWhatAMachineNeeds) {
  ASSERT_TRUE(Provision("7-100-net1", 2001).ok());
  auto const got = Attach(*host_, "7-100-vm1", "10.1.2.5");
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->tap, "t-FNMSWHSp4YAHh");
  EXPECT_EQ(got->mac, "82:17:b0:44:26:94");
  EXPECT_EQ(got->ips.at(0), "10.1.2.5/24");
  EXPECT_EQ(got->gateway4, "10.1.2.1");
  ASSERT_EQ(got->routes.size(), 2U);
  EXPECT_EQ(got->routes[0].to, "10.1.0.0/16");
  EXPECT_EQ(got->routes[1].to, "100.64.0.0/16");
  EXPECT_EQ(got->netns, dir_ + "/netns/" + NamespaceName(NetId(7, "net1")));
  EXPECT_THAT(LinksHere(), Contains(got->tap));
  EXPECT_TRUE(Attach(*host_, "7-100-vm1", "10.1.2.5"));
  auto const detach = services::Detach{"7-100-vm1", "private"};
  ASSERT_TRUE(host_->CallService<json::Nothing>(services::kNetAttach, "detach", detach));
  EXPECT_THAT(LinksHere(), Not(Contains(got->tap)));
  EXPECT_TRUE(host_->CallService<json::Nothing>(services::kNetAttach, "detach", detach));
}

TEST_F(NetworkLab, AttachRefusesAddressesThatCannotBe) {
  ASSERT_TRUE(Provision("7-100-net1", 2001).ok());
  ASSERT_TRUE(Attach(*host_, "7-100-vm1", "10.1.2.5"));
  EXPECT_EQ(Attach(*host_, "7-100-vm2", "10.1.2.5").error().message,
            "ip 10.1.2.5 is already used in network 'net1'");
  EXPECT_EQ(Attach(*host_, "7-100-vm2", "10.1.3.5").error().message,
            "ip 10.1.3.5 is not part of local nr subnet 10.1.2.0/24");
  for (auto const* reserved : {"10.1.2.0", "10.1.2.1", "10.1.2.255"})
    EXPECT_EQ(Attach(*host_, "7-100-vm2", reserved).error().message,
              fmt::format("ip {} is reserved", reserved));
  for (auto const* outside : {"10.2.2.5", "fd00::5", "", "10.1.2", "10.1.2.5/24"})
    EXPECT_EQ(Attach(*host_, "7-100-vm2", outside).error().message,
              fmt::format("ip {} is not part of local nr subnet 10.1.2.0/24", outside));
  EXPECT_EQ(Attach(*host_, "9-100-vm2", "10.1.2.9", 9).error().message, "network 'net1' not found");
}

TEST_F(NetworkLab, SubnetStaysWhileMachinesAreAttached) {
  ASSERT_TRUE(Provision("7-100-net1", 2001).ok());
  ASSERT_TRUE(Attach(*host_, "7-100-vm1", "10.1.2.5"));
  auto const refused = host_->Update("network", "7-100-net1", Data(2001, "10.1.4.0/24"));
  EXPECT_EQ(refused.status, TRL_UNCHANGED);
  EXPECT_EQ(refused.error, "subnet cannot change while 1 machines are attached");
}

class ManagedLab : public NetworkLab {
 protected:
  void BeforeLoad() override {
    auto links = Links::Open();
    ASSERT_TRUE(links && links->EnsureBridge("mgmt0"));
    ASSERT_TRUE(WriteSysctl("ipv6/conf/mgmt0/disable_ipv6", "0"));
    auto const link = links->Get("mgmt0");
    for (auto const* address : {"192.168.5.2/24", "2001:db8::2/64", "fd12::2/64"})
      ASSERT_TRUE(links->EnsureAddress(link->index, IpNet::Parse(address).value()));
  }
  [[nodiscard]] std::string Config() const override {
    return R"({"netns_dir":")" + dir_ + R"(/netns","management":"mgmt0"})";
  }
};

TEST_F(ManagedLab, ClientsAreToldAddressesTheyCanReach) {
  EXPECT_EQ(host_->Command("zos.network.interfaces", "null").value(),
            R"({"zos":["192.168.5.2","2001:db8::2"],"ygg":[]})");
}

TEST_F(NetworkLab, FarmersSeeTheInterfacesUnderBothNames) {
  auto const nics = host_->Command("zos.admin.interfaces", "null");
  ASSERT_TRUE(nics) << nics.error().message;
  EXPECT_EQ(nics.value(), host_->Command("zos.network.admin.interfaces", "null").value());
  EXPECT_EQ(host_->Command("zos.network.admin.get_public_nic", "{}").value(),
            R"({"is_single":true,"is_dual":false,"dual_interface":""})");
  auto const number = host_->Command("zos.admin.set_public_nic", "5");
  ASSERT_FALSE(number);
  EXPECT_THAT(number.error().message, StartsWith("failed to decode input, expecting string: "));
  EXPECT_FALSE(host_->Command("zos.admin.set_public_nic", R"("nowhere0")"));
}

TEST_F(NetworkLab, TeardownRemovesEverything) {
  ASSERT_TRUE(Provision("7-100-net1", 2001).ok());
  ASSERT_TRUE(Attach(*host_, "7-100-vm1", "10.1.2.5"));
  auto const done = host_->Command("zos.network.teardown", "null");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(LinksHere(), ElementsAre("lo"));
  EXPECT_TRUE(namespaces_->List().value().empty());
  host_->RunTasks();
  EXPECT_THAT(LinksHere(), ElementsAre("lo")) << "and it stays away";
}

}  // namespace
}  // namespace trellis::plugins::network
