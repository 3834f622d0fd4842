// Damage to user networks: found by inspect, named, repaired by the next provision, counted.
#include "plugins/network/nft.hpp"
#include "plugins/network/node_network.hpp"
#include "plugins/network/taps.hpp"
#include "plugins/network/wireguard_text.hpp"
#include "tests/integration/network/lab.hpp"
#include "tests/integration/network/tunnel_lab.hpp"

#include <trellis/services/net.hpp>

#include <gmock/gmock.h>

namespace trellis::plugins::network {
namespace {

using ::testing::HasSubstr;

constexpr char const* kId = "7-100-net1";

struct Damage {
  std::string difference;
  std::function<Result<void>()> strike;
};

class RepairLab : public NetworkLab {
 protected:
  void SetUp() override {
    NetworkLab::SetUp();
    if (HasFatalFailure()) return;
    ASSERT_TRUE(Provision(kId, 2001).ok());
    auto const attached = host_->CallService<services::Attachment>(
        services::kNetAttach, "private",
        services::AttachPrivate{"7-100-vm1", 7, "net1", "10.1.2.5"});
    ASSERT_TRUE(attached) << attached.error().message;
    tap_ = attached->tap;
  }

  /// Something is done to a link of a namespace; "" = of the node.
  std::function<Result<void>()> At(std::string const& name, std::string const& link,
                                   std::function<Result<void>(Links&, Link const&)> const& what) {
    auto const act = [link, what]() -> Result<void> {
      TRELLIS_TRY(auto links, Links::Open());
      TRELLIS_TRY(auto const found, links.Get(link));
      return what(links, found);
    };
    if (name.empty()) return act;
    return [this, name, act] { return namespaces_->RunIn(name, act); };
  }
  std::function<Result<void>()> Delete(std::string const& name, std::string const& link) {
    return At(name, link, [link](Links& links, Link const&) { return links.Delete(link); });
  }
  std::function<Result<void>()> Down(std::string const& name, std::string const& link) {
    return At(name, link,
              [](Links& links, Link const& found) { return links.SetDown(found.index); });
  }
  std::function<Result<void>()> Nft(std::string const& name, std::string const& command) {
    auto const act = [command]() -> Result<void> {
      TRELLIS_CHECK(RunNft(command));
      return {};
    };
    if (name.empty()) return act;
    return [this, name, act] { return namespaces_->RunIn(name, act); };
  }
  Observed Look() {
    auto const seen = host_->Inspect("network", kId, Data(2001));
    EXPECT_TRUE(seen) << seen.error().message;
    return seen ? *seen : Observed{};
  }
  void ExpectRepaired(Damage const& damage) {
    auto const before = host_->Metrics()["network/repairs_total"];
    auto const struck = damage.strike();
    ASSERT_TRUE(struck) << damage.difference << ": " << struck.error().message;
    auto const seen = Look();
    EXPECT_NE(seen.state, Observed::State::kRunning) << damage.difference;
    EXPECT_THAT(seen.detail, HasSubstr(damage.difference));
    auto const again = Provision(kId, 2001);
    ASSERT_TRUE(again.ok()) << damage.difference << ": " << again.error;
    EXPECT_EQ(Look().state, Observed::State::kRunning)
        << damage.difference << ": " << Look().detail;
    EXPECT_EQ(host_->Metrics()["network/repairs_total"], before + 1) << damage.difference;
    EXPECT_EQ(Provision(kId, 2001).status, TRL_NO_ACTION) << damage.difference;
  }

  std::string const net_id_ = NetId(7, "net1");
  std::string const inside_ = NamespaceName(net_id_);
  std::string tap_;
};

TEST_F(RepairLab, EveryDamageToTheNetworkIsFoundAndRepaired) {
  auto const bridge = BridgeName(net_id_);
  std::vector<Damage> const damages = {
      {"the bridge is down", Down("", bridge)},
      {"the bridge is missing", Delete("", bridge)},
      {"the namespace is missing", [&] { return namespaces_->Remove(inside_); }},
      {"link '" + inside_ + "' is down", Down(inside_, inside_)},
      {"link '" + inside_ + "' is missing", Delete(inside_, inside_)},
      {"link 'public' is missing", Delete(inside_, "public")},
      {"link '" + inside_ + "' has no address '10.1.2.1/24'",
       At(inside_, inside_,
          [](Links& links, Link const& link) { return links.ConvergeAddresses(link.index, {}); })},
      {"link '" + inside_ + "' has the foreign address '10.9.9.9/24'",
       At(inside_, inside_,
          [](Links& links, Link const& link) {
            return links.EnsureAddress(link.index, IpNet::Parse("10.9.9.9/24").value());
          })},
      {"there is no default route via '100.127.0.1'",
       At(inside_, "public",
          [](Links& links, Link const& link) {
            return links.SetDefaultRoute(IpAddress::V4({100, 127, 0, 99}), link.index);
          })},
      {"the packet filter rules differ", Nft(inside_, "flush table inet trellis")},
      {"the packet filter rules differ", Nft(inside_, "delete table inet trellis")},
      {"the packet filter rules differ", Nft(inside_, "flush chain inet trellis forward")},
  };
  for (auto const& damage : damages)
    ASSERT_NO_FATAL_FAILURE(ExpectRepaired(damage));
}

TEST_F(RepairLab, EveryDamageToATapIsFoundAndRepaired) {
  std::vector<Damage> const damages = {
      {"tap '" + tap_ + "' is not on the bridge",
       At("", tap_, [](Links& links, Link const& link) { return links.SetMaster(link.index, 0); })},
      {"tap '" + tap_ + "' is not on the bridge", Down("", tap_)},
      {"tap '" + tap_ + "' is missing", Delete("", tap_)},
  };
  for (auto const& damage : damages)
    ASSERT_NO_FATAL_FAILURE(ExpectRepaired(damage));
}

TEST_F(RepairLab, EveryDamageToWhatNetworksShareIsFoundAndRepaired) {
  std::vector<Damage> const damages = {
      {"in 'ndmz': link 'tonrs' is missing", Delete(kNdmz, "tonrs")},
      {"in 'ndmz': link 'npub4' is down", Down(kNdmz, "npub4")},
      {"in 'ndmz': the packet filter rules differ", Nft(kNdmz, "flush table inet trellis")},
      {"link 'ndmz-up' is missing", Delete("", "ndmz-up")},
      {"the node's packet filter rules differ", Nft("", "delete table inet trellis")},
      {"namespace 'ndmz' is missing", [&] { return namespaces_->Remove(kNdmz); }},
      {"link 'public' is missing", Delete("", kNdmzBridge)},
  };
  for (auto const& damage : damages)
    ASSERT_NO_FATAL_FAILURE(ExpectRepaired(damage));
}

TEST_F(RepairLab, WhatNetworksShareIsRepairedWithoutAnyoneAsking) {
  ASSERT_TRUE(Nft(kNdmz, "flush table inet trellis")());

  host_->RunTasks();

  EXPECT_EQ(host_->Metrics()["network/repairs_total"], 1);
  EXPECT_EQ(Look().state, Observed::State::kRunning) << Look().detail;
}

TEST_F(RepairLab, StraysGoAfterRecovery) {
  auto links = Links::Open();
  ASSERT_TRUE(links);
  ASSERT_TRUE(namespaces_->Ensure("n-1234567890abc"));
  ASSERT_TRUE(links->EnsureBridge("b-1234567890abc"));

  ASSERT_TRUE(host_->Recovered("network", {kId}));

  EXPECT_FALSE(namespaces_->Exists("n-1234567890abc"));
  EXPECT_FALSE(links->Find("b-1234567890abc").value());
  EXPECT_EQ(Look().state, Observed::State::kRunning) << Look().detail;
}

TEST_F(RepairLab, ARunningMachineIsBackOnANetworkThatIsMadeAgain) {
  // The machine's end of its tap: a pair of the same name instead, with the machine behind it.
  auto links = Links::Open();
  ASSERT_TRUE(links);
  ASSERT_TRUE(links->Delete(tap_));
  ASSERT_TRUE(namespaces_->Ensure("vm"));
  {
    auto const target = namespaces_->Open("vm");
    ASSERT_TRUE(links->CreateVeth(tap_, {"eth0", target->get(), {}}));
  }
  ASSERT_TRUE(namespaces_->RunIn("vm", []() -> Result<void> {
    TRELLIS_TRY(auto inner, Links::Open());
    TRELLIS_TRY(auto const eth0, inner.Get("eth0"));
    TRELLIS_CHECK(inner.SetUp(eth0.index));
    return inner.EnsureAddress(eth0.index, IpNet::Parse("10.1.2.5/24").value());
  }));
  ASSERT_TRUE(Provision(kId, 2001).ok());
  ASSERT_TRUE(Reaches("vm", "10.1.2.1"));

  ASSERT_TRUE(host_->Deprovision("network", kId, Data(2001)).ok());
  EXPECT_TRUE(IsCutOff("vm", "10.1.2.1"));
  ASSERT_TRUE(Provision("7-200-net1", 2001).ok()) << "another contract, the same network";

  EXPECT_TRUE(Reaches("vm", "10.1.2.1"));
}

TEST_F(TunnelLab, APeerThatWasRemovedByHandComesBack) {
  auto& node = AddNode(1);
  auto const data = DataOf(1, {2, 3});
  ASSERT_TRUE(node.Provision(data).ok());
  auto without = ChangeTo(DeviceOf(DataOf(1, {3}), 3001), node.Device().value(), {});
  ASSERT_TRUE(node.Send(SetRequest(without)));
  ASSERT_EQ(node.Device().value().peers.size(), 1U);
  EXPECT_EQ(node.Inspect(data).state, Observed::State::kDrifted);

  ASSERT_TRUE(node.Provision(data).ok());

  EXPECT_EQ(node.Device().value().peers.size(), 2U);
  EXPECT_EQ(node.Inspect(data).state, Observed::State::kRunning) << node.Inspect(data).detail;
  EXPECT_EQ(node.host().Metrics()["network/repairs_total"], 1);
}

TEST_F(TunnelLab, TheSameDataAgainTellsTheTunnelNothing) {
  auto& node = AddNode(1);
  auto const data = DataOf(1, {2, 3});
  ASSERT_TRUE(node.Provision(data).ok());
  auto const told = node.host().Metrics()["network/wireguard_changes_total"];

  EXPECT_EQ(node.Update(data).status, TRL_NO_ACTION);
  EXPECT_EQ(node.Provision(data).status, TRL_NO_ACTION);

  EXPECT_EQ(node.host().Metrics()["network/wireguard_changes_total"], told);
}

}  // namespace
}  // namespace trellis::plugins::network
