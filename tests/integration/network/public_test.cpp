// Public addresses with real frames: what the filter lets pass, and what it does not.
#include "plugins/network/nft.hpp"
#include "plugins/network/public_bridge.hpp"
#include "plugins/network/public_filter.hpp"
#include "tests/integration/network/public_lab.hpp"

#include <gmock/gmock.h>

namespace trellis::plugins::network {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char const* kBoth = R"({"v4":true,"v6":true})";
constexpr char const* kBothResult =
    R"({"ip":"203.0.113.5/24","ip6":"2001:db8:10:20:30ae:4fff:fe41:9c4a/64","gateway":"203.0.113.1"})";

int MasterOf(std::string const& link) {
  auto links = Links::Open();
  auto const found = links ? links->Find(link) : Result<std::optional<Link>>();
  return found && *found ? (*found)->master : -1;
}

std::string Table() {
  auto const listed = RunNft("list table bridge trellis");
  return listed ? *listed : listed.error().message;
}

TEST_F(PublicLab, MachineSendsAndReceivesAsItself) {
  auto const done = Bring("ip1", kBoth);
  ASSERT_TRUE(done.ok()) << done.error;
  EXPECT_EQ(done.result, kBothResult);
  ASSERT_NO_FATAL_FAILURE(AddBoth());

  EXPECT_TRUE(FromMachine(Udp(out_, ip4_, gateway4_, 5000, "by IPv4")));
  EXPECT_TRUE(FromMachine(ArpReply(out_, mac_, ip4_)));
  EXPECT_TRUE(FromMachine(Udp(out_, ip6_, router6_, 5000, "by IPv6")));
  EXPECT_TRUE(FromMachine(NeighbourAdvert(out_, ip6_, ip6_)));
  EXPECT_TRUE(FromMachine(NeighbourAdvert(out_, local_, local_)));
  EXPECT_TRUE(ToMachine(Udp(in_, gateway4_, ip4_, 5000, "back")));
  EXPECT_TRUE(ToMachine(Udp(in_, router6_, ip6_, 5000, "back")));
  EXPECT_EQ(Filter().dropped, 0U);
}

TEST_F(PublicLab, EverySpoofIsDroppedAndCounted) {
  ASSERT_TRUE(Bring("ip1", kBoth).ok());
  ASSERT_NO_FATAL_FAILURE(AddBoth());
  Ends const forged{{0x02, 0, 0, 0, 0, 0x66}, router_mac_};
  auto const other4 = IpAddress::V4({203, 0, 113, 6});
  auto const other6 = IpAddress::Parse("2001:db8:10:20::66").value();
  auto const prefix = IpNet::Parse("2001:db8:66::/64").value();
  std::vector<std::pair<char const*, Frame>> const attacks = {
      {"another hardware address", Udp(forged, ip4_, gateway4_, 5000, "x")},
      {"the gateway's IPv4 in ARP", ArpReply(out_, mac_, gateway4_)},
      {"another's hardware address in ARP", ArpReply(out_, router_mac_, ip4_)},
      {"another's IPv4", Udp(out_, other4, gateway4_, 5000, "x")},
      {"a DHCP server", Udp(out_, ip4_, gateway4_, 67, "x")},
      {"another's IPv6", Udp(out_, other6, router6_, 5000, "x")},
      {"the router's IPv6", Udp(out_, router6_, ip6_, 5000, "x")},
      {"a DHCPv6 server", Udp(out_, ip6_, router6_, 547, "x")},
      {"a router", RouterAdvert(out_, local_, prefix)},
      {"the router's neighbour", NeighbourAdvert(out_, local_, router6_)},
      {"another's neighbour", NeighbourAdvert(out_, ip6_, other6)},
      {"another protocol", Ethernet(out_, 0x88b5, std::string(60, 'x'))},
      {"a tagged frame",
       Ethernet(out_, kEtherVlan, std::string("\0\5\x08\0", 4) + std::string(60, 'x'))},
  };

  std::uint64_t dropped = 0;
  for (auto const& [what, frame] : attacks) {
    EXPECT_FALSE(FromMachine(frame)) << what;
    EXPECT_EQ(Filter().dropped, ++dropped) << what;
  }
}

TEST_F(PublicLab, MachineReceivesOnlyItsOwnAddress) {
  ASSERT_TRUE(Bring("ip1", kBoth).ok());
  ASSERT_NO_FATAL_FAILURE(AddBoth());

  EXPECT_FALSE(ToMachine(Udp(in_, gateway4_, IpAddress::V4({203, 0, 113, 6}), 5000, "x")));
  EXPECT_EQ(Filter().dropped, 1U);
}

TEST_F(PublicLab, FamilyThatWasNotAskedForIsClosed) {
  ASSERT_TRUE(Bring("ip1", R"({"v4":true})").ok());
  ASSERT_NO_FATAL_FAILURE(AddBoth());

  EXPECT_FALSE(FromMachine(Udp(out_, ip6_, router6_, 5000, "x")));
  EXPECT_FALSE(FromMachine(Udp(out_, local_, router6_, 5000, "x")));
}

TEST_F(PublicLab, PauseStopsEverythingUntilResumed) {
  ASSERT_TRUE(Bring("ip1", kBoth).ok());
  ASSERT_NO_FATAL_FAILURE(AddBoth());
  auto const lost = Udp(out_, ip4_, gateway4_, 5000, "while paused");
  auto const at_tap = FrameSocket::Open(*namespaces_, "", PublicTap("7-100-ip1"));
  ASSERT_TRUE(at_tap);

  ASSERT_TRUE(host_->Pause("ip", "7-100-ip1", kBoth).ok());
  auto const paused = host_->Inspect("ip", "7-100-ip1", kBoth);
  ASSERT_TRUE(vm_->Send(lost));
  EXPECT_TRUE(ComesBefore(*at_tap, lost, lost)) << "the filter has seen it before the next step";
  ASSERT_TRUE(host_->Resume("ip", "7-100-ip1", kBoth).ok());

  EXPECT_EQ(paused->state, Observed::State::kPaused) << paused->detail;
  auto const kept = Greeting();
  ASSERT_TRUE(vm_->Send(kept));
  EXPECT_FALSE(ComesBefore(*outside_, lost, kept));
}

TEST_F(PublicLab, RemovalLeavesAnEmptyTable) {
  ASSERT_TRUE(Bring("ip1", kBoth).ok());
  AddMachine();
  auto const tap = PublicTap("7-100-ip1");
  EXPECT_GT(MasterOf(tap), 0);

  ASSERT_TRUE(host_->Deprovision("ip", "7-100-ip1", kBoth).ok());

  EXPECT_EQ(MasterOf(tap), 0) << "the machine takes its tap away itself";
  EXPECT_THAT(Table(), Not(HasSubstr("elements")));
  EXPECT_THAT(Table(), Not(HasSubstr("chain r-")));
  EXPECT_EQ(host_->Inspect("ip", "7-100-ip1", kBoth)->state, Observed::State::kAbsent);
  EXPECT_TRUE(host_->ListOwned("ip")->empty());
  EXPECT_TRUE(host_->Deprovision("ip", "7-100-ip1", kBoth).ok());
  ASSERT_TRUE(host_->CallService<json::Nothing>(services::kNetAttach, "detach",
                                                services::Detach{"7-100-vm1", "public"}));
  EXPECT_THAT(LinksHere(), Not(Contains(tap)));
  EXPECT_TRUE(host_->Store("network").empty());
}

TEST_F(PublicLab, RestartKeepsFilterAndResult) {
  ASSERT_TRUE(Bring("ip1", kBoth).ok());
  ASSERT_NO_FATAL_FAILURE(AddBoth());
  EXPECT_FALSE(FromMachine(ArpReply(out_, mac_, gateway4_)));

  ASSERT_TRUE(host_->Unload("ip"));
  ASSERT_TRUE(host_->Unload("network"));
  Load();
  ASSERT_TRUE(host_->Load(trellis::testing::FakeHost::BuiltPlugin("ip")));

  EXPECT_EQ(Filter().dropped, 1U) << "nothing was touched";
  trellis::testing::CallOptions stored;
  stored.result = kBothResult;
  EXPECT_EQ(host_->Inspect("ip", "7-100-ip1", kBoth, stored)->state, Observed::State::kRunning);
  auto const again = host_->Provision("ip", "7-100-ip1", kBoth, stored);
  EXPECT_EQ(again.status, TRL_NO_ACTION) << again.error;
  EXPECT_EQ(again.result, kBothResult);
  EXPECT_TRUE(FromMachine(Udp(out_, ip4_, gateway4_, 5000, "after the restart")));
}

TEST_F(PublicLab, RebootBringsTheFilterBackBeforeTheMachine) {
  ASSERT_TRUE(Bring("ip1", kBoth).ok());
  ASSERT_TRUE(host_->Unload("network"));
  ASSERT_TRUE(RemovePublicFilters());

  Load();

  EXPECT_EQ(Filter().difference, "");
}

TEST_F(PublicLab, InspectTellsTheFirstDifferenceAndProvisionRepairs) {
  ASSERT_TRUE(Bring("ip1", kBoth).ok());
  auto const chain = "r-" + PublicTap("7-100-ip1").substr(2) + "-pre";
  std::vector<std::pair<std::string, std::string>> const damages = {
      {"flush chain bridge trellis " + chain, "has other rules"},
      {"delete element bridge trellis pub_in { \"" + PublicTap("7-100-ip1") + "\" }",
       "is not filtered"},
      {"flush chain bridge trellis prerouting", "is not complete"},
      {"delete table bridge trellis", "is not complete"},
  };
  for (auto const& [damage, difference] : damages) {
    ASSERT_TRUE(RunNft(damage)) << damage;
    auto const seen = host_->Inspect("ip", "7-100-ip1", kBoth);
    EXPECT_EQ(seen->state, Observed::State::kDrifted) << damage;
    EXPECT_THAT(seen->detail, HasSubstr(difference));
    ASSERT_TRUE(host_->Provision("ip", "7-100-ip1", kBoth).ok());
    EXPECT_EQ(host_->Inspect("ip", "7-100-ip1", kBoth)->state, Observed::State::kRunning);
  }
}

TEST_F(PublicLab, WorkloadsOfADeploymentGetAddressesInOrder) {
  Show("ip2", R"({"v4":true})", "null", "init");
  auto const first = Bring("ip1", R"({"v4":true})");
  Show("ip1", R"({"v4":true})", first.result);
  auto const second = Bring("ip2", R"({"v4":true})");

  EXPECT_THAT(first.result, HasSubstr(R"("ip":"203.0.113.5/24")"));
  EXPECT_THAT(second.result, HasSubstr(R"("ip":"203.0.113.6/24")"));
  EXPECT_EQ(host_->Command("zos.network.list_public_ips", "null").value(),
            R"(["203.0.113.5/24","203.0.113.6/24"])");
  Show("ip3", R"({"v4":true})", "null", "init");
  auto const third = Bring("ip3", R"({"v4":true})");
  EXPECT_EQ(third.error, "required 3 ips while contract has 2 ip reserved");
}

TEST_F(PublicLab, RecoveryDropsWhatTheStoreDoesNotKnow) {
  ASSERT_TRUE(Bring("ip1", R"({"v4":true})").ok());
  Show("ip1", R"({"v4":true})", R"({"ip":"203.0.113.5/24"})");
  ASSERT_TRUE(Bring("ip2", R"({"v4":true})").ok());

  ASSERT_TRUE(host_->Recovered("ip", {"7-100-ip2"}));

  EXPECT_EQ(host_->ListOwned("ip").value(), std::vector<std::string>{"7-100-ip2"});
}

TEST_F(PublicLab, AttachAnswersFromTheLease) {
  EXPECT_EQ(Attach("vm1", "ip1").error().message, "public ip 'ip1' is not ready");
  ASSERT_TRUE(Bring("ip1", kBoth).ok());

  auto const got = Attach("vm1", "ip1");

  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->tap, "p-3QN9nMJ1GfUdH");
  EXPECT_EQ(got->mac, "32:ae:4f:41:9c:4a");
  EXPECT_EQ(got->ips,
            (std::vector<std::string>{"203.0.113.5/24", "2001:db8:10:20:30ae:4fff:fe41:9c4a/64"}));
  EXPECT_EQ(got->gateway4, "203.0.113.1");
  EXPECT_EQ(got->gateway6, "fe80::1");
  auto links = Links::Open();
  EXPECT_EQ(MasterOf(got->tap), links->Get(kPublicBridge)->index);
  EXPECT_EQ(Attach("vm2", "ip1").error().message, "public ip 'ip1' is already used by '7-100-vm1'");
  EXPECT_TRUE(Attach("vm1", "ip1"));
}

TEST_F(PublicLab, TrafficOfTheTapIsCounted) {
  ASSERT_TRUE(Bring("ip1", kBoth).ok());
  ASSERT_NO_FATAL_FAILURE(AddBoth());
  EXPECT_TRUE(FromMachine(Udp(out_, ip4_, gateway4_, 5000, std::string(1000, 'x'))));

  auto const told = host_->Providers("consumption");

  ASSERT_TRUE(told) << told.error().message;
  EXPECT_THAT(*told, Contains(HasSubstr(R"({"id":"7-100-ip1","metric":"nru","total":)")));
}

TEST_F(PublicLab, TeardownRemovesTheSegment) {
  ASSERT_TRUE(Bring("ip1", kBoth).ok());
  ASSERT_TRUE(Attach("vm1", "ip1"));

  ASSERT_TRUE(host_->Command("zos.network.teardown", "null"));

  EXPECT_EQ(LinksHere(), std::vector<std::string>{"lo"});
  EXPECT_THAT(Table(), HasSubstr("No such file"));
}

class LearningLab : public PublicLab {
 protected:
  LearningLab() { config_public_ = R"({"parent":"none"})"; }
};

TEST_F(LearningLab, PrefixAndRouterAreWhatTheSegmentTells) {
  auto const ask = [this] {
    return host_->CallService<services::PublicPrefix>(services::kNetPublic, "prefix6",
                                                      json::Nothing{});
  };
  auto const silent = Bring("ip1", kBoth);
  EXPECT_EQ(silent.error, "could not look up ipv6 prefix: no public ipv6 found");
  AddOutside();
  auto const prefix = IpNet::Parse("2001:db8:33:44::/64").value();
  auto const advert = RouterAdvert({router_mac_, {0x33, 0x33, 0, 0, 0, 1}}, router6_, prefix);

  auto found = ask();
  // The ear hears as soon as its link is up, which the kernel finds out in its own time.
  for (int i = 0; i < 100 && (!found || found->gateway.empty()); ++i) {
    ASSERT_TRUE(outside_->Send(advert));
    (void)outside_->Receive(std::chrono::milliseconds(100));
    found = ask();
  }

  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->net, prefix);
  EXPECT_EQ(found->gateway, router6_);
}

class ParentLab : public PublicLab {
 protected:
  ParentLab() { config_public_ = R"({"parent":"nic0"})"; }
  static Result<services::PublicFilterSet> Set(trellis::testing::FakeHost& host) {
    services::PublicFilter filter;
    filter.owner = "7-100-ip1";
    filter.ipv4 = IpNet::Parse("203.0.113.5/24").value();
    return host.CallService<services::PublicFilterSet>(services::kNetPublic, "filter_set", filter);
  }
};

TEST_F(ParentLab, InterfaceIsTakenWhenItIsThereAndFree) {
  EXPECT_EQ(Set(*host_).error().message, "there is no link 'nic0'");
  auto links = Links::Open();
  ASSERT_TRUE(links->CreateVeth("nic0", {"nic1"}));
  auto const nic = links->Get("nic0");
  ASSERT_TRUE(links->ConvergeAddresses(nic->index, {IpNet::Parse("192.0.2.1/24").value()}));
  EXPECT_EQ(Set(*host_).error().message,
            "interface 'nic0' carries the node's address '192.0.2.1/24'");
  ASSERT_TRUE(links->ConvergeAddresses(nic->index, {}));

  ASSERT_TRUE(Set(*host_));

  EXPECT_EQ(MasterOf("nic0"), links->Get(kPublicBridge)->index);
  EXPECT_EQ(host_->Command("zos.admin.get_public_nic", "null").value(),
            R"({"is_single":false,"is_dual":true,"dual_interface":"nic0"})");
}

TEST_F(ParentLab, FarmersMoveTheSegmentToAnotherInterface) {
  auto links = Links::Open();
  ASSERT_TRUE(links->CreateVeth("nic0", {"far0"}) && links->CreateVeth("nic1", {"far1"}));
  ASSERT_TRUE(Set(*host_));
  auto const move = [this](std::string const& name) {
    return host_->Command("zos.admin.set_public_nic", "\"" + name + "\"");
  };
  auto const nic = links->Get("nic1");
  ASSERT_TRUE(links->ConvergeAddresses(nic->index, {IpNet::Parse("192.0.2.1/24").value()}));
  // The node's own interface, as hardware is listed: the one with its default route.
  ASSERT_TRUE(links->SetUp(nic->index));
  ASSERT_TRUE(links->SetDefaultRoute(IpAddress::Parse("192.0.2.9").value(), nic->index));
  EXPECT_EQ(move("nic1").error().message,
            "interface 'nic1' carries the node's address '192.0.2.1/24'");
  EXPECT_EQ(MasterOf("nic0"), links->Get(kPublicBridge)->index) << "everything as it was";
  EXPECT_FALSE(move("nowhere0"));
  ASSERT_TRUE(links->ConvergeAddresses(nic->index, {}));
  ASSERT_TRUE(links->SetRoute(IpNet::Parse("0.0.0.0/0").value(), nic->index));

  auto const moved = move("nic1");

  ASSERT_TRUE(moved) << moved.error().message;
  EXPECT_EQ(MasterOf("nic1"), links->Get(kPublicBridge)->index);
  EXPECT_EQ(MasterOf("nic0"), 0);
  ASSERT_TRUE(host_->Unload("network"));
  Load();
  EXPECT_EQ(host_->Command("zos.admin.get_public_nic", "null").value(),
            R"({"is_single":false,"is_dual":true,"dual_interface":"nic1"})")
      << "also after a restart";
}

class PlainLab : public PublicLab {
 protected:
  PlainLab() { config_public_ = "{}"; }
};

TEST_F(PlainLab, NodeWithoutSegmentSaysSo) {
  auto const refused = Bring("ip1", kBoth);

  EXPECT_EQ(refused.status, TRL_UNSUPPORTED);
  EXPECT_EQ(refused.error, "public ips are not supported on this node");
  EXPECT_EQ(Attach("vm1", "ip1").error().message, "public ips are not supported on this node");
  EXPECT_THAT(LinksHere(), Not(Contains(kPublicBridge)));
}

}  // namespace
}  // namespace trellis::plugins::network
