#include "plugins/network/wireguard.hpp"

#include "plugins/network/wireguard_netlink.hpp"
#include "plugins/network/wireguard_text.hpp"

#include <gmock/gmock.h>
#include <linux/genetlink.h>

namespace trellis::plugins::network {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kSecret = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=";

WireGuardKey KeyNumber(std::uint8_t number) {
  WireGuardKey key{};
  key.fill(number);
  return key;
}

IpNet Net(std::string_view text) {
  return IpNet::Parse(text).value();
}

Peer PeerNumber(std::uint8_t number, std::vector<std::string> const& allowed,
                std::string const& endpoint = "") {
  Peer peer;
  peer.wireguard_public_key = KeyToBase64(KeyNumber(number));
  peer.endpoint = endpoint;
  for (auto const& range : allowed)
    peer.allowed_ips.push_back(Net(range));
  return peer;
}

WireGuardDevice Wanted(std::vector<Peer> peers, std::uint16_t port = 3000) {
  Network data;
  data.wireguard_private_key = kSecret;
  data.peers = std::move(peers);
  return DeviceOf(data, port);
}

TEST(WireGuardKeys, TravelAsBase64AndHex) {
  auto const key = KeyFromBase64(kSecret);
  ASSERT_TRUE(key);
  EXPECT_EQ(KeyToBase64(*key), kSecret);
  EXPECT_EQ(KeyFromHex(KeyToHex(*key)), key);
  EXPECT_FALSE(KeyFromBase64("dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LC="));
  EXPECT_FALSE(KeyFromHex("00ff"));
}

TEST(WireGuardChange, OfADeviceThatIsRightIsEmpty) {
  auto const wanted = Wanted({PeerNumber(1, {"10.1.3.0/24", "100.64.1.3/32"}, "192.0.2.1:3000"),
                              PeerNumber(2, {"10.1.4.7/24"})});
  EXPECT_TRUE(ChangeTo(wanted, wanted, wanted).empty());
  EXPECT_EQ(DifferenceOf(wanted, wanted), "");
}

TEST(WireGuardChange, TouchesOnlyThePeersThatDiffer) {
  auto const before = Wanted({PeerNumber(1, {"10.1.3.0/24"}), PeerNumber(2, {"10.1.4.0/24"}),
                              PeerNumber(3, {"10.1.5.0/24"})});
  auto const wanted = Wanted({PeerNumber(1, {"10.1.3.0/24"}), PeerNumber(3, {"10.1.6.0/24"}),
                              PeerNumber(4, {"10.1.7.0/24"})});
  auto const change = ChangeTo(wanted, before, before);
  EXPECT_FALSE(change.private_key);
  EXPECT_FALSE(change.port);
  ASSERT_EQ(change.peers.size(), 3U);
  EXPECT_EQ(change.peers[0].key, KeyNumber(2));
  EXPECT_EQ(change.peers[0].kind, PeerChange::Kind::kRemove);
  EXPECT_EQ(change.peers[1].key, KeyNumber(3));
  EXPECT_EQ(change.peers[1].allowed, std::vector{Net("10.1.6.0/24")});
  EXPECT_FALSE(change.peers[1].endpoint);
  EXPECT_EQ(change.peers[2].key, KeyNumber(4));
  EXPECT_EQ(change.peers[2].kind, PeerChange::Kind::kAdd);
}

TEST(WireGuardChange, KeepsWhereAPeerHasMoved) {
  auto const asked = Wanted({PeerNumber(1, {"10.1.3.0/24"}, "192.0.2.1:3000")});
  auto moved = asked;
  moved.peers.at(KeyNumber(1)).endpoint = "192.0.2.77:4000";
  EXPECT_TRUE(ChangeTo(asked, moved, asked).empty());
  EXPECT_EQ(DifferenceOf(asked, moved), "");
  auto const elsewhere = Wanted({PeerNumber(1, {"10.1.3.0/24"}, "192.0.2.2:3000")});
  auto const change = ChangeTo(elsewhere, moved, asked);
  ASSERT_EQ(change.peers.size(), 1U);
  EXPECT_EQ(change.peers[0].endpoint, "192.0.2.2:3000");
}

TEST(WireGuardChange, GivesARangeOfSeveralPeersToTheLast) {
  auto const wanted =
      Wanted({PeerNumber(1, {"10.1.3.0/24", "0.0.0.0/0"}), PeerNumber(2, {"10.1.3.9/24"})});
  EXPECT_THAT(wanted.peers.at(KeyNumber(1)).allowed, ElementsAre(Net("0.0.0.0/0")));
  EXPECT_THAT(wanted.peers.at(KeyNumber(2)).allowed, ElementsAre(Net("10.1.3.0/24")));
}

TEST(WireGuardDifference, NamesWhatIsWrong) {
  auto const wanted = Wanted({PeerNumber(1, {"10.1.3.0/24"})});
  EXPECT_EQ(DifferenceOf(wanted, Wanted({}, 3000)),
            "peer '" + KeyToBase64(KeyNumber(1)) + "' is missing");
  EXPECT_EQ(DifferenceOf(wanted, Wanted({PeerNumber(1, {"10.1.3.0/24"})}, 3001)),
            "wireguard listens on port 3001 instead of 3000");
  EXPECT_EQ(DifferenceOf(wanted, Wanted({PeerNumber(1, {"10.1.4.0/24"})})),
            "peer '" + KeyToBase64(KeyNumber(1)) + "' is allowed other addresses");
  EXPECT_EQ(DifferenceOf(Wanted({}), wanted), "unknown peer '" + KeyToBase64(KeyNumber(1)) + "'");
}

TEST(WireGuardText, AsksForWhatChanges) {
  auto const before = Wanted({PeerNumber(2, {"10.1.4.0/24"}), PeerNumber(3, {"10.1.5.0/24"})});
  auto const wanted = Wanted({PeerNumber(1, {"10.1.3.0/24", "100.64.1.3/32"}, "[2001:db8::1]:9"),
                              PeerNumber(3, {"10.1.6.0/24"})},
                             3001);
  EXPECT_EQ(SetRequest(ChangeTo(wanted, before, before)),
            "set=1\nlisten_port=3001\n"
            "public_key=" +
                KeyToHex(KeyNumber(2)) +
                "\nremove=true\n"
                "public_key=" +
                KeyToHex(KeyNumber(1)) +
                "\nendpoint=[2001:db8::1]:9\n"
                "persistent_keepalive_interval=20\nreplace_allowed_ips=true\n"
                "allowed_ip=10.1.3.0/24\nallowed_ip=100.64.1.3/32\n"
                "public_key=" +
                KeyToHex(KeyNumber(3)) +
                "\nupdate_only=true\n"
                "replace_allowed_ips=true\nallowed_ip=10.1.6.0/24\n\n");
}

TEST(WireGuardText, ReadsWhatADeviceSays) {
  auto const wanted = Wanted({PeerNumber(1, {"10.1.3.0/24", "100.64.1.3/32"}, "192.0.2.1:9")});
  auto const answer = fmt::format(
      "private_key={}\nlisten_port=3000\npublic_key={}\npreshared_key={:064}\n"
      "endpoint=192.0.2.1:9\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0\ntx_bytes=148\n"
      "rx_bytes=0\npersistent_keepalive_interval=20\nallowed_ip=100.64.1.3/32\n"
      "allowed_ip=10.1.3.0/24\nprotocol_version=1\nerrno=0\n\n",
      KeyToHex(wanted.private_key), KeyToHex(KeyNumber(1)), 0);
  auto const device = ReadAnswer(answer);
  ASSERT_TRUE(device) << device.error().message;
  EXPECT_EQ(*device, wanted);
}

TEST(WireGuardText, TellsWhyItWasRefused) {
  EXPECT_THAT(CheckAnswer("errno=-98\n\n").error().message,
              HasSubstr("refuses the configuration: Address already in use"));
  EXPECT_FALSE(CheckAnswer("\n"));
  EXPECT_FALSE(ReadAnswer("listen_port=many\nerrno=0\n\n"));
  EXPECT_FALSE(ReadAnswer("noise\nerrno=0\n\n"));
}

// Requests and answers have the same shape.
WireGuardDevice Received(WireGuardChange const& change, std::size_t& messages) {
  WireGuardDevice device;
  for (auto const& message : SetMessages(30, "w-x", change)) {
    ++messages;
    EXPECT_LE(message->header()->nlmsg_len, 4096U);
    ReadDevice(message->header(), device);
  }
  return device;
}

TEST(WireGuardNetlink, CarriesAWholeDevice) {
  auto const wanted =
      Wanted({PeerNumber(1, {"10.1.3.0/24", "2001:db8:7::/64"}, "[2001:db8::1]:9999"),
              PeerNumber(2, {"0.0.0.0/0"}, "192.0.2.1:9")});
  std::size_t messages = 0;
  EXPECT_EQ(Received(ChangeTo(wanted, {}, {}), messages), wanted);
  EXPECT_EQ(messages, 3U);
}

TEST(WireGuardNetlink, SplitsPeersWithManyRanges) {
  std::vector<std::string> ranges;
  for (int i = 0; i < 200; ++i)
    ranges.push_back(fmt::format("fd00:{:x}::/64", i));
  auto const wanted = Wanted({PeerNumber(1, ranges)});
  std::size_t messages = 0;
  EXPECT_EQ(Received(ChangeTo(wanted, {}, {}), messages), wanted);
  EXPECT_EQ(messages, 5U);
}

}  // namespace
}  // namespace trellis::plugins::network
