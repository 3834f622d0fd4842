// Making a user network on a node, against the kernel's own price for what it is made of. As root;
// in network and mount namespaces of its own.
#include "plugins/network/nft.hpp"
#include "plugins/network/node_network.hpp"
#include "plugins/network/rules.hpp"
#include "plugins/network/user_network.hpp"
#include "tests/bench/micro/must.hpp"
#include "tests/bench/micro/quantiles.hpp"
#include "tests/support/temp_dir.hpp"

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>

#include <thread>

namespace {

using namespace trellis;  // NOLINT(google-build-using-namespace): a program of its own
using namespace trellis::plugins::network;  // NOLINT(google-build-using-namespace)
using bench::Must;

constexpr int kRounds = 40;

NetworkRecord RecordNumber(int number) {
  NetworkRecord record;
  record.twin = 7;
  record.name = fmt::format("net{}", number);
  record.net_id = NetId(record.twin, record.name);
  record.data.ip_range = Must(IpNet::Parse("10.1.0.0/16"));
  record.data.subnet = Must(IpNet::Parse("10.1.2.0/24"));
  return record;
}

IpAddress LeaseNumber(int number) {
  auto const at = static_cast<unsigned>(number) + 2;
  return IpAddress::V4(
      {100, 127, static_cast<std::uint8_t>(at >> 8U), static_cast<std::uint8_t>(at & 0xffU)});
}

/// A node without networks.
class Node {
 public:
  Node() {
    // The kernel removes what is in the last one.
    bool const apart = ::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
                       ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (!apart) Must<void>(Fail(Code::kDenied, "cannot make namespaces: run it as root"));
    config_.netns_dir = dir_ / "netns";
    namespaces_.emplace(config_.netns_dir);
    node_.emplace(config_, *namespaces_);
    networks_.emplace(config_, *namespaces_);
    Must(node_->Converge());
  }
  ~Node() {
    for (auto const& name : Must(namespaces_->List()))
      (void)namespaces_->Remove(name);
  }
  Node(Node const&) = delete;
  Node& operator=(Node const&) = delete;

  UserNetworks& networks() { return *networks_; }
  Namespaces& namespaces() { return *namespaces_; }
  NetworkConfig const& config() const { return config_; }

 private:
  trellis::testing::TempDir dir_;
  NetworkConfig config_;
  std::optional<Namespaces> namespaces_;
  std::optional<NodeNetwork> node_;
  std::optional<UserNetworks> networks_;
};

/// `present` networks are there already.
void BM_network(benchmark::State& state) {
  Node node;
  auto const present = static_cast<int>(state.range(0));
  for (int i = 0; i < present; ++i)
    Must(node.networks().Converge(RecordNumber(i), LeaseNumber(i)));
  bench::Quantiles took;
  int number = present;
  for (auto _ : state) {
    auto const record = RecordNumber(number);
    took.Start();
    Must(node.networks().Converge(record, LeaseNumber(number)));
    took.Stop();
    ++number;
  }
  took.Report(state);
}
BENCHMARK(BM_network)->ArgName("present")->Arg(10)->Arg(1000)->Iterations(kRounds)->UseRealTime();

/// Nothing is wrong: what an inspection finds.
void BM_inspect(benchmark::State& state) {
  Node node;
  Must(node.networks().Converge(RecordNumber(0), LeaseNumber(0)));
  for (auto _ : state)
    benchmark::DoNotOptimize(Must(node.networks().Difference(RecordNumber(0), LeaseNumber(0))));
}
BENCHMARK(BM_inspect)->UseRealTime();

// ---- the floor: the same objects, each asked for once, nothing looked at ----

void NewLink(Netlink& netlink, std::string const& name, char const* kind, unsigned parent,
             int netns) {
  NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  auto& body = message.Body<ifinfomsg>();
  if (parent == 0) body.ifi_flags = body.ifi_change = IFF_UP;
  message.Put(IFLA_IFNAME, name);
  if (netns >= 0) message.Put(IFLA_NET_NS_FD, static_cast<std::uint32_t>(netns));
  if (parent != 0) message.Put(IFLA_LINK, parent);
  auto* const info = message.Begin(IFLA_LINKINFO);
  message.Put(IFLA_INFO_KIND, kind);
  if (parent != 0) {
    auto* const data = message.Begin(IFLA_INFO_DATA);
    message.Put(IFLA_MACVLAN_MODE, std::uint32_t{MACVLAN_MODE_BRIDGE});
    message.End(data);
  }
  message.End(info);
  Must(netlink.Request(message, "new link"));
}

void Up(Netlink& netlink, unsigned index) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  auto& body = message.Body<ifinfomsg>();
  body.ifi_index = static_cast<int>(index);
  body.ifi_flags = body.ifi_change = IFF_UP;
  Must(netlink.Request(message, "up"));
}

void Address(Netlink& netlink, unsigned index, IpNet const& address) {
  NetlinkMessage message(RTM_NEWADDR, NLM_F_CREATE);
  auto& body = message.Body<ifaddrmsg>();
  body.ifa_family = address.ip.is_v4() ? AF_INET : AF_INET6;
  body.ifa_prefixlen = static_cast<std::uint8_t>(address.prefix);
  body.ifa_flags = address.ip.is_v6() ? IFA_F_NODAD : 0;
  body.ifa_index = index;
  message.Put(IFA_LOCAL, address.ip);
  message.Put(IFA_ADDRESS, address.ip);
  Must(netlink.Request(message, "address"));
}

void DefaultRoute(Netlink& netlink, unsigned index, IpAddress const& via) {
  NetlinkMessage message(RTM_NEWROUTE, NLM_F_CREATE);
  auto& body = message.Body<rtmsg>();
  body.rtm_family = via.is_v4() ? AF_INET : AF_INET6;
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_protocol = RTPROT_STATIC;
  body.rtm_type = RTN_UNICAST;
  message.Put(RTA_GATEWAY, via);
  message.Put(RTA_OIF, index);
  Must(netlink.Request(message, "route"));
}

void MakeInside(std::string const& name, NetworkRecord const& record, IpAddress const& lease,
                std::string const& rules) {
  auto netlink = Must(Netlink::Open());
  auto const gateway = GatewayOf(record.data.subnet);
  auto const router = IpAddress::V6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  unsigned const inside = ::if_nametoindex(name.c_str());
  unsigned const outside = ::if_nametoindex("public");
  Up(netlink, ::if_nametoindex("lo"));
  Must(WriteSysctl("ipv4/ip_forward", "1"));
  Must(WriteSysctl("ipv6/conf/all/forwarding", "1"));
  Address(netlink, inside, {gateway, 24});
  Address(netlink, inside, {PrivateV6(record.net_id, gateway), 64});
  Address(netlink, inside, {router, 64});
  Up(netlink, inside);
  (void)Must(RunNft("table inet trellis {\n" + rules + "}\n"));
  Address(netlink, outside, {lease, 16});
  Address(netlink, outside, {NdmzV6(lease), 64});
  Up(netlink, outside);
  DefaultRoute(netlink, outside, IpAddress::V4({100, 127, 0, 1}));
  DefaultRoute(netlink, outside, router);
}

void BM_network_floor(benchmark::State& state) {
  Node node;
  bench::Quantiles took;
  int number = 0;
  for (auto _ : state) {
    auto const record = RecordNumber(number);
    auto const lease = LeaseNumber(number);
    auto const rules = NetworkRules{record.net_id, record.data.ip_range, record.data.subnet,
                                    node.config().smtp_block}
                           .Text();
    auto const name = NamespaceName(record.net_id);
    took.Start();
    auto netlink = Must(Netlink::Open());
    NewLink(netlink, BridgeName(record.net_id), "bridge", 0, -1);
    auto const path = node.namespaces().Path(name);
    (void)Must(plugins::OpenFile(path, O_RDONLY | O_CREAT, 0444));
    std::thread([&] {
      if (::unshare(CLONE_NEWNET) != 0 ||
          ::mount("/proc/thread-self/ns/net", path.c_str(), "none", MS_BIND, nullptr) != 0)
        Must<void>(plugins::FailErrno("make a namespace"));
    }).join();
    auto const netns = Must(plugins::OpenFile(path, O_RDONLY));
    NewLink(netlink, name, "macvlan", ::if_nametoindex(BridgeName(record.net_id).c_str()),
            netns.get());
    NewLink(netlink, "public", "macvlan", ::if_nametoindex(kNdmzBridge), netns.get());
    std::thread([&] {
      if (::setns(netns.get(), CLONE_NEWNET) != 0) Must<void>(plugins::FailErrno("enter"));
      MakeInside(name, record, lease, rules);
    }).join();
    took.Stop();
    ++number;
  }
  took.Report(state);
}
BENCHMARK(BM_network_floor)->Iterations(kRounds)->UseRealTime();

}  // namespace
