#include "tests/integration/network/lab.hpp"

#include "plugins/common/posix/tool.hpp"
#include "tests/support/own_namespaces.hpp"
#include "tests/support/patience.hpp"

#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <cstdlib>

namespace trellis::plugins::network {

void NetworkLab::SetUp() {
  ASSERT_NO_FATAL_FAILURE(trellis::testing::EnterOwnNamespaces());
  std::string path = "/tmp/trellis-network-XXXXXX";
  ASSERT_NE(::mkdtemp(path.data()), nullptr);
  dir_ = path;
  namespaces_.emplace(dir_ + "/netns");
  host_ = std::make_unique<trellis::testing::FakeHost>();
  processes_ = std::make_unique<trellis::testing::RealProcesses>(*host_, dir_);
  ASSERT_NO_FATAL_FAILURE(BeforeLoad());
  Load();
}

void NetworkLab::TearDown() {
  if (host_) (void)host_->Unload("network");
  processes_.reset();
  host_.reset();
  if (!namespaces_) return;
  auto const names = namespaces_->List();
  ASSERT_TRUE(names);
  for (auto const& name : *names)
    EXPECT_TRUE(namespaces_->Remove(name));
  EXPECT_TRUE(RemoveTree(dir_));
}

void NetworkLab::Load() {
  auto const loaded = host_->Load(trellis::testing::FakeHost::BuiltPlugin("network"), Config());
  ASSERT_TRUE(loaded) << loaded.error().message;
}

std::string NetworkLab::Config() const {
  return R"({"netns_dir":")" + dir_ + R"(/netns"})";
}

std::string NetworkLab::Data(unsigned port, std::string const& subnet) {
  return fmt::format(
      R"({{"ip_range":"10.1.0.0/16","subnet":"{}","wireguard_private_key":)"
      R"("dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=","wireguard_listen_port":{},"peers":[]}})",
      subnet, port);
}

trellis::testing::Answer NetworkLab::Provision(std::string const& id, unsigned port) {
  return host_->Provision("network", id, Data(port));
}

void NetworkLab::AddGuest(std::string const& guest, std::string const& net_id,
                          std::string const& address) {
  ASSERT_TRUE(namespaces_->Ensure(guest));
  auto links = Links::Open();
  ASSERT_TRUE(links);
  {
    auto const target = namespaces_->Open(guest);
    ASSERT_TRUE(target);
    auto const made = links->CreateVeth("v-" + guest, {"eth0", target->get(), {}});
    ASSERT_TRUE(made) << made.error().message;
  }
  auto const bridge = links->Get(BridgeName(net_id));
  auto const outer = links->Get("v-" + guest);
  ASSERT_TRUE(bridge && outer);
  ASSERT_TRUE(links->SetMaster(outer->index, bridge->index));
  ASSERT_TRUE(links->SetUp(outer->index));
  auto const done = namespaces_->RunIn(guest, [&]() -> Result<void> {
    TRELLIS_TRY(auto inner, Links::Open());
    TRELLIS_TRY(auto const eth0, inner.Get("eth0"));
    TRELLIS_TRY(auto const net, IpNet::Parse(address));
    TRELLIS_CHECK(inner.ConvergeAddresses(eth0.index, {net}));
    TRELLIS_CHECK(inner.SetUp(eth0.index));
    auto gateway = net.ip.bytes();
    return inner.SetDefaultRoute(IpAddress::V4({gateway[0], gateway[1], gateway[2], 1}),
                                 eth0.index);
  });
  ASSERT_TRUE(done) << done.error().message;
}

void NetworkLab::AddInternet() {
  ASSERT_TRUE(namespaces_->Ensure("outside"));
  auto links = Links::Open();
  ASSERT_TRUE(links);
  {
    auto const target = namespaces_->Open("outside");
    ASSERT_TRUE(target);
    ASSERT_TRUE(links->CreateVeth("wan", {"eth0", target->get(), {}}));
  }
  auto const wan = links->Get("wan");
  ASSERT_TRUE(wan);
  ASSERT_TRUE(links->ConvergeAddresses(wan->index, {IpNet::Parse("198.51.100.1/24").value()}));
  ASSERT_TRUE(links->SetUp(wan->index));
  ASSERT_TRUE(namespaces_->RunIn("outside", []() -> Result<void> {
    TRELLIS_TRY(auto inner, Links::Open());
    TRELLIS_TRY(auto const eth0, inner.Get("eth0"));
    TRELLIS_TRY(auto const address, IpNet::Parse("198.51.100.9/24"));
    TRELLIS_CHECK(inner.ConvergeAddresses(eth0.index, {address}));
    return inner.SetUp(eth0.index);
  }));
}

bool NetworkLab::Reaches(std::string const& guest, std::string const& target) {
  return Ping(guest, target, trellis::testing::kPatience);
}

bool NetworkLab::IsCutOff(std::string const& guest, std::string const& target) {
  return !Ping(guest, target, std::chrono::seconds(1));
}

bool NetworkLab::Ping(std::string const& guest, std::string const& target,
                      std::chrono::seconds limit) {
  bool answered = false;
  auto const done = namespaces_->RunIn(guest, [&]() -> Result<void> {
    answered = RunTool({"ping", "-n", "-q", "-i", "0.2", "-c", "1", "-w",
                        std::to_string(limit.count()), target},
                       2 * trellis::testing::kPatience)
                   .has_value();
    return {};
  });
  return done && answered;
}

std::vector<std::string> NetworkLab::LinksHere() {
  auto links = Links::Open();
  auto names = links ? links->Names() : Result<std::vector<std::string>>();
  return names ? *names : std::vector<std::string>();
}

}  // namespace trellis::plugins::network
