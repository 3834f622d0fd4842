// What a machine may not reach, with real packets: other tenants, the node, forbidden ports and
// ranges, and nobody reaches it from outside.
#include "tests/integration/network/frames.hpp"
#include "tests/integration/network/lab.hpp"
#include "tests/integration/network/talk.hpp"
#include "tests/support/patience.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>

namespace trellis::plugins::network {
namespace {

constexpr std::chrono::milliseconds kMoment{1000};
constexpr char const* kOutside = "198.51.100.9";
constexpr char const* kNode = "198.51.100.1";
constexpr std::uint16_t kDiscard = 9;

// Two twins with networks of the same name and ranges: `a` and `b` of twin 7, `c` and `d` of
// twin 8.
class TwinsLab : public NetworkLab {
 protected:
  void SetUp() override {
    NetworkLab::SetUp();
    if (HasFatalFailure()) return;
    ASSERT_TRUE(Provision("7-100-net1", 2001).ok());
    ASSERT_TRUE(Provision("8-101-net1", 2002).ok());
    AddGuest("a", net7_, "10.1.2.5/24");
    AddGuest("b", net7_, "10.1.2.6/24");
    AddGuest("c", net8_, "10.1.2.5/24");
    AddGuest("d", net8_, "10.1.2.7/24");
    AddInternet();
  }

  void Open(std::string const& name, std::uint16_t port) {
    auto fd = Listen(*namespaces_, name, port);
    ASSERT_TRUE(fd) << fd.error().message;
    listeners_.push_back(*std::move(fd));
  }
  Talk Try(std::string const& from, std::string const& to, std::uint16_t port) {
    return Connect(*namespaces_, from, IpAddress::Parse(to).value(), port, kMoment);
  }
  void In(std::string const& name, std::function<Result<void>(Links&, Link const&)> const& function,
          std::string const& link = "eth0") {
    auto const done = namespaces_->RunIn(name, [&]() -> Result<void> {
      TRELLIS_TRY(auto links, Links::Open());
      TRELLIS_TRY(auto const found, links.Get(link));
      return function(links, found);
    });
    ASSERT_TRUE(done) << done.error().message;
  }
  /// A raw socket at the machine, and the ends of frames from it to its router.
  FrameSocket Raw(std::string const& guest) {
    auto socket = FrameSocket::Open(*namespaces_, guest, "eth0");
    EXPECT_TRUE(socket) << socket.error().message;
    return *std::move(socket);
  }
  Ends ToRouter() const { return {{0x02, 0, 0, 0, 0, 0x0a}, HardwareAddress(net7_)}; }

  std::string const net7_ = NetId(7, "net1");
  std::string const net8_ = NetId(8, "net1");
  std::vector<UniqueFd> listeners_;
};

TEST_F(TwinsLab, EqualNetworksOfTwoTwinsWorkSideBySideAndNeverMeet) {
  Open("a", 8000);
  Open("b", 8000);
  Open("d", 8000);
  Open("outside", 8000);
  EXPECT_TRUE(Connects(*namespaces_, "a", "10.1.2.6", 8000));
  EXPECT_TRUE(Connects(*namespaces_, "c", "10.1.2.7", 8000));
  for (auto const* machine : {"a", "c"}) {  // the same address, also outside at the same time
    EXPECT_TRUE(Reaches(machine, "10.1.2.1"));
    EXPECT_TRUE(Connects(*namespaces_, machine, kOutside, 8000));
  }

  EXPECT_NE(Try("a", "10.1.2.7", 8000), Talk::kConnected);
  EXPECT_NE(Try("c", "10.1.2.6", 8000), Talk::kConnected);
}

TEST_F(TwinsLab, AnotherNetworksRouterIsOutOfReach) {
  Open(NamespaceName(net8_), 8000);
  auto const ear = Ear::Open(*namespaces_, NamespaceName(net8_), 8001);
  ASSERT_TRUE(ear);
  ASSERT_TRUE(Reaches("a", "10.1.2.1"));
  for (auto const& [name, ip] : {std::pair{net7_, "100.127.0.2"}, {net8_, "100.127.0.3"}})
    EXPECT_EQ(host_->Store("network")["lease/" + name], ip) << name;

  EXPECT_NE(Try("a", "100.127.0.3", 8000), Talk::kConnected);
  EXPECT_NE(Try("a", "fd00::3", 8000), Talk::kConnected);
  EXPECT_TRUE(IsCutOff("a", "100.127.0.3"));
  Say(*namespaces_, "a", "100.127.0.3", 8001, "x");
  EXPECT_EQ(ear->Next(kMoment), "");
  EXPECT_NE(Try(NamespaceName(net7_), "100.127.0.3", 8000), Talk::kConnected)
      << "not even from the other router itself";
}

TEST_F(TwinsLab, NoAddressOfTheNodeIsReached) {
  Open("", 8000);
  Open("ndmz", 8000);
  ASSERT_TRUE(Reaches("a", kOutside));
  for (auto const* address : {kNode, "100.126.0.1", "100.126.0.2", "100.127.0.1"}) {
    EXPECT_NE(Try("a", address, 8000), Talk::kConnected) << address;
    EXPECT_TRUE(IsCutOff("a", address)) << address;
  }
}

TEST_F(TwinsLab, MailIsRefusedAndTheWebIsNot) {
  constexpr std::array<std::uint16_t, 3> kMail{25, 465, 587};
  Open("outside", 80);
  for (auto const port : kMail)
    Open("outside", port);
  EXPECT_TRUE(Connects(*namespaces_, "a", kOutside, 80));

  for (auto const port : kMail)
    EXPECT_NE(Try("a", kOutside, port), Talk::kConnected) << port;
}

TEST_F(TwinsLab, NobodyOutsideOpensAConnectionInwards) {
  In("outside", [](Links& links, Link const& link) -> Result<void> {
    return links.SetDefaultRoute(IpAddress::Parse(kNode).value(), link.index);
  });
  auto links = Links::Open();
  ASSERT_TRUE(links);
  // As if an operator had made the mistake to route into the node's router.
  auto const up = links->Get("ndmz-up");
  ASSERT_TRUE(up);
  ASSERT_TRUE(links->SetDefaultRoute(IpAddress::V4({100, 126, 0, 2}), up->index));
  Open(NamespaceName(net7_), 8000);
  Open("a", 8000);
  ASSERT_TRUE(Reaches("a", kOutside));

  for (auto const* address : {"100.127.0.2", "10.1.2.5", "10.1.2.1"}) {
    EXPECT_NE(Try("outside", address, 8000), Talk::kConnected) << address;
    EXPECT_TRUE(IsCutOff("outside", address)) << address;
  }
}

TEST_F(TwinsLab, SpoofedSourcesNeverLeaveTheNetwork) {
  auto const ear = Ear::Open(*namespaces_, "outside", kDiscard);
  ASSERT_TRUE(ear);
  ASSERT_TRUE(Reaches("a", kOutside));
  auto const raw = Raw("a");
  auto const target = IpAddress::Parse(kOutside).value();

  for (auto const* source : {"198.51.100.1", "198.51.100.77", "10.9.9.9", "100.127.0.3", "8.8.8.8",
                             "127.0.0.1", "10.1.3.5"})
    ASSERT_TRUE(raw.Send(Udp(ToRouter(), IpAddress::Parse(source).value(), target, 4000, source)));
  ASSERT_TRUE(
      raw.Send(Udp(ToRouter(), IpAddress::Parse("10.1.2.5").value(), target, 4000, "honest")));

  EXPECT_EQ(ear->Next(trellis::testing::kPatience), "honest");
}

TEST_F(TwinsLab, AFloodOfArpHurtsNobodyElse) {
  ASSERT_TRUE(Reaches("a", "10.1.2.1"));
  auto const raw = Raw("a");
  auto const router = IpAddress::Parse("10.1.2.1").value();
  Ends const everybody{{0x02, 0, 0, 0, 0, 0x0a}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

  for (unsigned i = 0; i < 20000; ++i) {
    auto const ip =
        IpAddress::V4({10, static_cast<std::uint8_t>(i >> 16U), static_cast<std::uint8_t>(i >> 8U),
                       static_cast<std::uint8_t>(i)});
    (void)raw.Send(ArpRequest(everybody, ip, router));  // those that find no room are lost anyway
    if (i % 100 == 0) (void)raw.Send(ArpReply(everybody, everybody.from, router));
  }

  EXPECT_TRUE(Reaches("c", "10.1.2.1"));
  EXPECT_TRUE(Reaches("d", kOutside));
  std::size_t known = 0;
  ASSERT_TRUE(namespaces_->RunIn(NamespaceName(net7_), [&]() -> Result<void> {
    TRELLIS_TRY(auto const table, ReadFile("/proc/thread-self/net/arp", std::size_t{1} << 24));
    known = static_cast<std::size_t>(std::ranges::count(table, '\n'));
    return {};
  }));
  EXPECT_LE(known, 260U) << "the router's table holds machines of its subnet only";
  AddGuest("e", net8_, "10.1.2.8/24");
  EXPECT_TRUE(Reaches("e", "10.1.2.1")) << "new neighbours still find room";
}

class LanLab : public TwinsLab {
 protected:
  [[nodiscard]] std::string Config() const override {
    return R"({"netns_dir":")" + dir_ + R"(/netns","lan_block":["198.51.100.0/24"]})";
  }
};

TEST_F(LanLab, BlockedRangesAreOutOfReachAndOthersAreNot) {
  In("outside", [](Links& links, Link const& link) -> Result<void> {
    return links.EnsureAddress(link.index, IpNet::Parse("203.0.113.9/24").value());
  });
  auto links = Links::Open();
  ASSERT_TRUE(links);
  auto const wan = links->Get("wan");
  ASSERT_TRUE(links->EnsureAddress(wan->index, IpNet::Parse("203.0.113.1/24").value()));
  Open("outside", 8000);

  EXPECT_TRUE(Connects(*namespaces_, "a", "203.0.113.9", 8000));
  EXPECT_NE(Try("a", kOutside, 8000), Talk::kConnected);
  EXPECT_TRUE(IsCutOff("a", kOutside));
}

class ParentUplinkLab : public NetworkLab {
 protected:
  void BeforeLoad() override {
    auto links = Links::Open();
    ASSERT_TRUE(links);
    ASSERT_TRUE(links->EnsureBridge("lan"));
  }
  [[nodiscard]] std::string Config() const override {
    return R"({"netns_dir":")" + dir_ +
           R"(/netns","uplink":{"parent":"lan","ipv4":"198.51.100.20/24","gw4":"198.51.100.9"}})";
  }
};

TEST_F(ParentUplinkLab, NetworksGoOutWithAnAddressOfTheirOwn) {
  ASSERT_TRUE(Provision("7-100-net1", 2001).ok());
  AddGuest("a", NetId(7, "net1"), "10.1.2.5/24");
  AddInternet();
  auto links = Links::Open();
  auto const wan = links->Get("wan");
  ASSERT_TRUE(links->ConvergeAddresses(wan->index, {}));
  ASSERT_TRUE(links->SetMaster(wan->index, links->Get("lan")->index));
  auto const ear = Ear::Open(*namespaces_, "outside", kDiscard);
  ASSERT_TRUE(ear);

  EXPECT_TRUE(Reaches("a", kOutside));
  Say(*namespaces_, "a", kOutside, kDiscard, "hello");
  EXPECT_EQ(ear->Next(trellis::testing::kPatience), "hello");
  EXPECT_THAT(LinksHere(), ::testing::Not(::testing::Contains("ndmz-up")));
  auto const seen = host_->Inspect("network", "7-100-net1", Data(2001));
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->state, Observed::State::kRunning) << seen->detail;
}

}  // namespace
}  // namespace trellis::plugins::network
