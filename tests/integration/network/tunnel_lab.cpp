#include "tests/integration/network/tunnel_lab.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/tool.hpp"
#include "plugins/common/posix/unix_client.hpp"
#include "plugins/network/names.hpp"
#include "plugins/network/wireguard_text.hpp"
#include "tests/support/own_namespaces.hpp"

#include <sys/mount.h>

#include <cstdlib>
#include <regex>
#include <thread>

namespace trellis::plugins::network {

namespace {

constexpr std::chrono::seconds kToolLimit{60};
constexpr int kLaptop = 9;
constexpr char const* kBridge = "wire";
constexpr char const* kLaptopSocket = "/var/run/wireguard/wg0.sock";

void Must(Result<void> const& done) {
  ASSERT_TRUE(done) << done.error().message;
}

IpNet Net(std::string const& text) {
  return IpNet::Parse(text).value();
}

}  // namespace

WireGuardKey SecretNumber(std::uint8_t number) {
  WireGuardKey key{};
  key.fill(number);
  return key;
}

std::string PublicKeyNumber(std::uint8_t number) {
  return KeyToBase64(PublicKeyOf(SecretNumber(number)).value());
}

void TunnelLab::SetUp() {
  ASSERT_NO_FATAL_FAILURE(trellis::testing::EnterOwnNamespaces());
  Must(MakeDirs("/var/run/wireguard"));
  ASSERT_EQ(::mount("tmpfs", "/var/run/wireguard", "tmpfs", 0, nullptr), 0);
  std::string path = "/tmp/trellis-tunnel-XXXXXX";
  ASSERT_NE(::mkdtemp(path.data()), nullptr);
  dir_ = path;
  namespaces_.emplace(dir_ + "/hosts");
  auto links = Links::Open();
  ASSERT_TRUE(links);
  ASSERT_TRUE(links->EnsureBridge(kBridge));
}

void TunnelLab::TearDown() {
  nodes_.clear();
  laptop_.reset();
  if (!namespaces_) return;
  auto const names = namespaces_->List();
  ASSERT_TRUE(names);
  for (auto const& name : *names)
    EXPECT_TRUE(namespaces_->Remove(name));
  EXPECT_TRUE(RemoveTree(dir_));
}

void TunnelLab::AddHost(std::string const& name, int number) {
  Must(namespaces_->Ensure(name));
  auto links = Links::Open();
  ASSERT_TRUE(links);
  {
    auto const target = namespaces_->Open(name);
    ASSERT_TRUE(target);
    Must(links->CreateVeth("v-" + name, {"eth0", target->get(), {}}));
  }
  auto const outer = links->Get("v-" + name);
  auto const bridge = links->Get(kBridge);
  ASSERT_TRUE(outer && bridge);
  Must(links->SetMaster(outer->index, bridge->index));
  Must(links->SetUp(outer->index));
  Must(namespaces_->RunIn(name, [&]() -> Result<void> {
    TRELLIS_TRY(auto inner, Links::Open());
    TRELLIS_TRY(auto const eth0, inner.Get("eth0"));
    TRELLIS_CHECK(inner.ConvergeAddresses(eth0.index, {Net(fmt::format("192.0.2.{}/24", number))}));
    return inner.SetUp(eth0.index);
  }));
}

TunnelNode& TunnelLab::AddNode(int number, std::string const& more) {
  auto const name = fmt::format("node{}", number);
  AddHost(name, number);
  nodes_.push_back(
      std::make_unique<TunnelNode>(*namespaces_, name, fmt::format("{}/{}", dir_, name), more));
  nodes_.back()->Load();
  return *nodes_.back();
}

void TunnelLab::PutSegmentOnWire(int number) {
  auto const name = fmt::format("node{}", number);
  auto links = Links::Open();
  ASSERT_TRUE(links);
  {
    auto const target = namespaces_->Open(name);
    ASSERT_TRUE(target);
    Must(links->CreateVeth("s-" + name, {"segment", target->get(), {}}));
  }
  auto const join = [](std::string const& link, std::string const& bridge) -> Result<void> {
    TRELLIS_TRY(auto there, Links::Open());
    TRELLIS_TRY(auto const end, there.Get(link));
    TRELLIS_TRY(auto const master, there.Get(bridge));
    TRELLIS_CHECK(there.SetMaster(end.index, master.index));
    return there.SetUp(end.index);
  };
  Must(join("s-" + name, kBridge));
  Must(namespaces_->RunIn(name, [&] { return join("segment", "br-pub"); }));
}

Peer TunnelLab::PeerOf(int number) {
  Peer peer;
  peer.subnet = Net(fmt::format("10.1.{}.0/24", number + 1));
  peer.wireguard_public_key = PublicKeyNumber(static_cast<std::uint8_t>(number));
  peer.allowed_ips = {peer.subnet, Net(fmt::format("100.64.1.{}/32", number + 1))};
  // Node 2 calls: two that call each other at once wait five seconds before they try again.
  if (number != 2) peer.endpoint = fmt::format("192.0.2.{}:300{}", number, number);
  return peer;
}

Network TunnelLab::DataOf(int number, std::vector<int> const& others) {
  Network data;
  data.ip_range = Net("10.1.0.0/16");
  data.subnet = Net(fmt::format("10.1.{}.0/24", number + 1));
  data.wireguard_private_key = KeyToBase64(SecretNumber(static_cast<std::uint8_t>(number)));
  data.wireguard_listen_port = static_cast<std::uint16_t>(3000 + number);
  for (int const other : others)
    data.peers.push_back(PeerOf(other));
  return data;
}

void TunnelLab::Connect() {
  for (int const number : {1, 2}) {
    auto const made = AddNode(number).Provision(DataOf(number, {3 - number}));
    ASSERT_TRUE(made.ok()) << made.error;
    AddMachine(fmt::format("m{}", number), number, fmt::format("10.1.{}.5/24", number + 1));
  }
}

void TunnelLab::AddMachine(std::string const& name, int node, std::string const& address) {
  Must(namespaces_->Ensure(name));
  Must(namespaces_->RunIn(fmt::format("node{}", node), [&]() -> Result<void> {
    TRELLIS_TRY(auto links, Links::Open());
    TRELLIS_TRY(auto const target, namespaces_->Open(name));
    TRELLIS_CHECK(links.CreateVeth("v-" + name, {"eth0", target.get(), {}}));
    TRELLIS_TRY(auto const outer, links.Get("v-" + name));
    TRELLIS_TRY(auto const bridge, links.Get(BridgeName(NetId(7, "net1"))));
    TRELLIS_CHECK(links.SetMaster(outer.index, bridge.index));
    return links.SetUp(outer.index);
  }));
  Must(namespaces_->RunIn(name, [&]() -> Result<void> {
    TRELLIS_TRY(auto links, Links::Open());
    TRELLIS_TRY(auto const eth0, links.Get("eth0"));
    auto const net = Net(address);
    TRELLIS_CHECK(links.ConvergeAddresses(eth0.index, {net}));
    TRELLIS_CHECK(links.SetUp(eth0.index));
    auto const& bytes = net.ip.bytes();
    return links.SetDefaultRoute(IpAddress::V4({bytes[0], bytes[1], bytes[2], 1}), eth0.index);
  }));
}

void TunnelLab::AddLaptop(std::uint16_t port) {
  AddHost("laptop", kLaptop);
  laptop_host_ = std::make_unique<trellis::testing::FakeHost>();
  laptop_ = std::make_unique<trellis::testing::RealProcesses>(*laptop_host_, dir_ + "/laptop");
  ProcessSpec spec;
  spec.argv = {"/usr/bin/wireguard-go", "-f", "wg0"};
  spec.env = {{"WG_PROCESS_FOREGROUND", "1"}, {"LOG_LEVEL", "error"}};
  spec.netns = namespaces_->Path("laptop");
  spec.restart = "never";
  auto const started = laptop_->Run("laptop/wg0", spec);
  ASSERT_TRUE(started) << started.error().message;
  auto const until = std::chrono::steady_clock::now() + kToolLimit;
  while (!AskUnix(kLaptopSocket, kGetRequest, kEndOfAnswer) &&
         std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // until it listens
  Network data = DataOf(kLaptop, {1});
  data.peers[0].allowed_ips = {Net("10.1.0.0/16"), Net("100.64.0.0/16")};
  auto const answer =
      AskUnix(kLaptopSocket, SetRequest(ChangeTo(DeviceOf(data, port), {}, {})), kEndOfAnswer);
  ASSERT_TRUE(answer) << answer.error().message;
  Must(CheckAnswer(*answer));
  Must(namespaces_->RunIn("laptop", [&]() -> Result<void> {
    TRELLIS_TRY(auto links, Links::Open());
    TRELLIS_TRY(auto const link, links.Get("wg0"));
    TRELLIS_CHECK(links.ConvergeAddresses(link.index, {Net("100.64.1.10/32")}));
    TRELLIS_CHECK(links.SetUp(link.index));
    TRELLIS_CHECK(links.SetRoute(Net("10.1.0.0/16"), link.index));
    return links.SetRoute(Net("100.64.0.0/16"), link.index);
  }));
}

bool TunnelLab::Ping(std::string const& from, std::string const& target) {
  bool answered = false;
  Must(namespaces_->RunIn(from, [&]() -> Result<void> {
    answered = RunTool({"ping", "-n", "-q", "-i", "0.2", "-c", "1", "-w", "20", target}, kToolLimit)
                   .has_value();
    return {};
  }));
  return answered;
}

int TunnelLab::Lost(std::string const& from, std::string const& target, int count) {
  int lost = -1;
  Must(namespaces_->RunIn(from, [&]() -> Result<void> {
    TRELLIS_TRY(auto const text, RunTool({"ping", "-n", "-q", "-i", "0.01", "-W", "10", "-c",
                                          std::to_string(count), target},
                                         kToolLimit));
    std::smatch found;
    if (std::regex_search(text, found, std::regex("([0-9]+) received")))
      lost = count - std::stoi(found[1]);
    return {};
  }));
  return lost;
}

}  // namespace trellis::plugins::network
