// Namespaces for the servers of other plugins, with real connections to them.
#include "plugins/network/nft.hpp"
#include "plugins/network/node_network.hpp"
#include "plugins/network/public_bridge.hpp"
#include "plugins/network/rules.hpp"
#include "plugins/network/server_namespace.hpp"
#include "tests/integration/network/public_lab.hpp"
#include "tests/integration/network/talk.hpp"

#include <trellis/services/storage.hpp>

#include <gmock/gmock.h>

namespace trellis::plugins::network {
namespace {

using services::NamespacePrepare;
using services::PreparedNamespace;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr std::chrono::milliseconds kMoment{1000};
NamespacePrepare const kZdb{"@zdb/pool1", "zdb"};
NamespacePrepare const kQsfs{"7-100-fs1", "qsfs"};

Result<PreparedNamespace> Prepare(trellis::testing::FakeHost& host,
                                  NamespacePrepare const& wanted) {
  return host.CallService<PreparedNamespace>(services::kNetNamespace, "prepare", wanted);
}

Result<json::Nothing> Destroy(trellis::testing::FakeHost& host, std::string const& owner) {
  return host.CallService<json::Nothing>(services::kNetNamespace, "destroy",
                                         services::NamespaceDestroy{owner});
}

ServerNames NamesOf(NamespacePrepare const& wanted) {
  return ServerNames::Of(wanted).value();
}

class ServerLab : public NetworkLab {
 protected:
  std::vector<std::string> LinksIn(std::string const& name) {
    std::vector<std::string> names;
    EXPECT_TRUE(namespaces_->RunIn(name, [&]() -> Result<void> {
      TRELLIS_TRY(auto links, Links::Open());
      TRELLIS_TRY(names, links.Names());
      return {};
    }));
    return names;
  }
  void In(std::string const& name, std::function<Result<void>()> const& function) {
    auto const done = namespaces_->RunIn(name, function);
    ASSERT_TRUE(done) << done.error().message;
  }
  double Repairs() { return host_->Metrics()["network/repairs_total"]; }
  Talk Try(std::string const& from, std::string const& to, std::uint16_t port) {
    return Connect(*namespaces_, from, IpAddress::Parse(to).value(), port, kMoment);
  }
};

TEST_F(ServerLab, ZdbWithoutASegmentHasItsNodeAddressOnly) {
  auto const made = Prepare(*host_, kZdb);
  ASSERT_TRUE(made) << made.error().message;

  EXPECT_EQ(made->netns, dir_ + "/netns/" + NamesOf(kZdb).netns);
  EXPECT_THAT(made->netns, HasSubstr("/zdb-ns-"));
  EXPECT_THAT(made->ips, ElementsAre("fd00::2"));
  EXPECT_THAT(LinksIn(NamesOf(kZdb).netns), UnorderedElementsAre("lo", "ndmz"));
  EXPECT_EQ(host_->Store("network")["lease/zdb:pool1"], "100.127.0.2");
}

TEST_F(ServerLab, PreparingAgainChangesNothing) {
  auto const first = Prepare(*host_, kQsfs);
  ASSERT_TRUE(first) << first.error().message;
  int index = 0;
  auto const look = [&](int& out) {
    In(NamesOf(kQsfs).netns, [&]() -> Result<void> {
      TRELLIS_TRY(auto links, Links::Open());
      TRELLIS_TRY(auto const link, links.Get("public"));
      out = link.index;
      return {};
    });
  };
  look(index);

  auto const again = Prepare(*host_, kQsfs);

  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->netns, first->netns);
  EXPECT_EQ(again->ips, first->ips);
  int after = 0;
  look(after);
  EXPECT_EQ(after, index);
  EXPECT_EQ(Repairs(), 0);
}

TEST_F(ServerLab, MachinesReachOnlyThePortOfTheServer) {
  ASSERT_TRUE(Provision("7-100-net1", 2001).ok());
  AddGuest("a", NetId(7, "net1"), "10.1.2.5/24");
  auto const net6 = PrivateV6(NetId(7, "net1"), IpAddress::Parse("10.1.2.5").value());
  auto const gate6 = PrivateV6(NetId(7, "net1"), IpAddress::Parse("10.1.2.1").value());
  In("a", [&]() -> Result<void> {
    TRELLIS_TRY(auto links, Links::Open());
    TRELLIS_TRY(auto const eth0, links.Get("eth0"));
    TRELLIS_CHECK(links.EnsureAddress(eth0.index, {net6, 64}));
    return links.SetDefaultRoute(gate6, eth0.index);
  });
  auto const zdb = Prepare(*host_, kZdb);
  auto const qsfs = Prepare(*host_, kQsfs);
  ASSERT_TRUE(zdb && qsfs);
  std::vector<UniqueFd> listeners;
  for (auto const& [server, port] : {std::pair{NamesOf(kZdb), 9900},
                                     {NamesOf(kZdb), 9901},
                                     {NamesOf(kQsfs), 9100},
                                     {NamesOf(kQsfs), 9900}}) {
    auto fd = Listen(*namespaces_, server.netns, static_cast<std::uint16_t>(port));
    ASSERT_TRUE(fd) << fd.error().message;
    listeners.push_back(*std::move(fd));
  }

  EXPECT_TRUE(Connects(*namespaces_, "a", zdb->ips.back(), 9900));
  EXPECT_TRUE(Connects(*namespaces_, "a", qsfs->ips.back(), 9100));
  EXPECT_NE(Try("a", zdb->ips.back(), 9901), Talk::kConnected);
  EXPECT_EQ(Try("a", qsfs->ips.back(), 9900), Talk::kSilent);
  // Also one server cannot reach another's other ports, nor metrics by IPv4.
  EXPECT_EQ(Try(NamesOf(kZdb).netns, qsfs->ips.back(), 9900), Talk::kSilent);
  EXPECT_EQ(Try(NamesOf(kZdb).netns, "100.127.0.4", 9100), Talk::kSilent);
}

TEST_F(ServerLab, QsfsHasTheWayOutOfAUserNetwork) {
  ASSERT_TRUE(Prepare(*host_, kQsfs));
  AddInternet();

  EXPECT_TRUE(Reaches(NamesOf(kQsfs).netns, "198.51.100.9"));
  EXPECT_TRUE(IsCutOff(NamesOf(kQsfs).netns, "100.126.0.1"));
}

TEST_F(ServerLab, DamageIsRepairedAndCounted) {
  ASSERT_TRUE(Prepare(*host_, kZdb));
  ASSERT_TRUE(Prepare(*host_, kQsfs));
  auto const qsfs = NamesOf(kQsfs).netns;
  auto const with_link = [](std::function<Result<void>(Links&, int)> const& damage) {
    return [damage]() -> Result<void> {
      TRELLIS_TRY(auto links, Links::Open());
      TRELLIS_TRY(auto const link, links.Get("public"));
      return damage(links, link.index);
    };
  };
  std::vector<std::function<void()>> const damages = {
      [&] { In(qsfs, [] { return RemoveRules(); }); },
      [&] {
        In(qsfs, []() -> Result<void> {
          TRELLIS_CHECK(RunNft("flush table inet trellis"));
          return {};
        });
      },
      [&] { In(qsfs, with_link([](Links& links, int) { return links.Delete("public"); })); },
      [&] {
        In(qsfs, with_link([](Links& links, int index) {
             return links.ConvergeAddresses(index, {IpNet::Parse("100.127.0.9/16").value()});
           }));
      },
      [&] { ASSERT_TRUE(namespaces_->Remove(qsfs)); },
      [&] { ASSERT_TRUE(namespaces_->Remove(NamesOf(kZdb).netns)); },
      [&] { ASSERT_TRUE(Links::Open()->Delete(kNdmzBridge)); },
  };
  double repairs = Repairs();
  for (std::size_t i = 0; i < damages.size(); ++i) {
    SCOPED_TRACE(i);
    damages[i]();
    host_->RunTasks();
    EXPECT_GT(Repairs(), repairs);
    repairs = Repairs();
    host_->RunTasks();
    EXPECT_EQ(Repairs(), repairs) << "nothing is left to repair";
  }
}

TEST_F(ServerLab, DestroyLeavesNothing) {
  ASSERT_TRUE(Prepare(*host_, kZdb));
  ASSERT_TRUE(Prepare(*host_, kQsfs));

  ASSERT_TRUE(Destroy(*host_, kZdb.owner));
  ASSERT_TRUE(Destroy(*host_, kQsfs.owner));

  EXPECT_THAT(namespaces_->List().value(), ElementsAre("ndmz"));
  EXPECT_TRUE(host_->Store("network").empty());
  EXPECT_TRUE(Destroy(*host_, kZdb.owner));
  EXPECT_TRUE(Destroy(*host_, "nobody"));
}

TEST_F(ServerLab, LeasesOfUnknownWorkloadsAndStraysGo) {
  ASSERT_TRUE(Prepare(*host_, kZdb));
  ASSERT_TRUE(Prepare(*host_, kQsfs));
  ASSERT_TRUE(Prepare(*host_, {"7-100-fs2", "qsfs"}));
  ASSERT_TRUE(namespaces_->Ensure("zdb-ns-0123456789ab"));

  services::Reconcile known;
  known.owners = {"7-100-fs2"};
  ASSERT_TRUE(host_->CallService<json::Nothing>(services::kNetNamespace, "reconcile", known));

  EXPECT_THAT(
      namespaces_->List().value(),
      UnorderedElementsAre("ndmz", NamesOf(kZdb).netns, NamesOf({"7-100-fs2", "qsfs"}).netns));
  auto const left = host_->CallService<services::NamespaceLeases>(services::kNetNamespace, "list",
                                                                  json::Nothing{});
  ASSERT_TRUE(left);
  ASSERT_EQ(left->namespaces.size(), 2U);
  EXPECT_EQ(left->namespaces[0].owner, "7-100-fs2");
  EXPECT_EQ(left->namespaces[1].owner, "@zdb/pool1");
}

TEST_F(ServerLab, ARebootBringsThemBack) {
  auto const before = Prepare(*host_, kZdb);
  ASSERT_TRUE(before);
  ASSERT_TRUE(host_->Unload("network"));
  ASSERT_TRUE(namespaces_->Remove(NamesOf(kZdb).netns));

  Load();

  EXPECT_THAT(LinksIn(NamesOf(kZdb).netns), Contains("ndmz"));
  auto const after = Prepare(*host_, kZdb);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->ips, before->ips);
}

TEST_F(ServerLab, WhatCannotBeIsRefused) {
  EXPECT_EQ(Prepare(*host_, {"@zdb/a", "machine"}).error().message,
            "'machine' is no kind of namespace: zdb or qsfs");
  EXPECT_EQ(Prepare(*host_, {"", "zdb"}).error().message, "'' cannot own a namespace");
  EXPECT_EQ(Prepare(*host_, {"@zdb/", "zdb"}).error().message, "'@zdb/' cannot own a namespace");
  ASSERT_TRUE(Prepare(*host_, kZdb));
  EXPECT_EQ(Prepare(*host_, {kZdb.owner, "qsfs"}).error().message,
            "'@zdb/pool1' has a namespace of kind 'zdb' already");
  EXPECT_EQ(Prepare(*host_, {"@other/pool1", "zdb"}).error().message,
            "the namespace of '@zdb/pool1' has the same names as that of '@other/pool1'");
}

class SegmentLab : public PublicLab {};

TEST_F(SegmentLab, ZdbIsOnTheSegmentWithTheAddressOfItsHardware) {
  auto const made = Prepare(*host_, kZdb);
  ASSERT_TRUE(made) << made.error().message;
  auto const names = NamesOf(kZdb);
  auto const wanted = SlaacAddress(names.outer_mac, IpNet::Parse("2001:db8:10:20::/64").value());

  EXPECT_THAT(made->ips, ElementsAre(wanted.ip.ToString(), "fd00::2"));
  auto links = Links::Open();
  EXPECT_EQ(links->Get(names.host_end)->master, links->Get(kPublicBridge)->index);
  EXPECT_THAT(names.host_end, ::testing::EndsWith("-eth0"));
  auto const zdb = Listen(*namespaces_, names.netns, 9900);
  auto const other = Listen(*namespaces_, names.netns, 9901);
  ASSERT_TRUE(zdb && other);
  ASSERT_TRUE(namespaces_->Ensure("client"));
  {
    auto const target = namespaces_->Open("client");
    ASSERT_TRUE(links->CreateVeth("wan", {"eth0", target->get(), {}}));
  }
  auto const wan = links->Get("wan");
  ASSERT_TRUE(links->SetMaster(wan->index, links->Get(kPublicBridge)->index));
  ASSERT_TRUE(links->SetUp(wan->index));
  ASSERT_TRUE(namespaces_->RunIn("client", []() -> Result<void> {
    TRELLIS_TRY(auto inner, Links::Open());
    TRELLIS_TRY(auto const eth0, inner.Get("eth0"));
    TRELLIS_CHECK(inner.SetUp(eth0.index));
    return inner.EnsureAddress(eth0.index, IpNet::Parse("2001:db8:10:20::9/64").value());
  }));
  EXPECT_TRUE(Connects(*namespaces_, "client", made->ips[0], 9900));
  EXPECT_EQ(Connect(*namespaces_, "client", wanted.ip, 9901, kMoment), Talk::kSilent);

  ASSERT_TRUE(Destroy(*host_, kZdb.owner));
  EXPECT_THAT(LinksHere(), Not(Contains(names.host_end)));
}

}  // namespace
}  // namespace trellis::plugins::network
