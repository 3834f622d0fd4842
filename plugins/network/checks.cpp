#include "plugins/network/checks.hpp"

#include "plugins/network/keys.hpp"

#include <algorithm>
#include <charconv>

namespace trellis::plugins::network {

namespace {

constexpr std::size_t kMaxPeers = 1024;

bool IsEndpoint(std::string_view text) {
  auto const colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  auto const digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port == 0) return false;
  auto host = text.substr(0, colon);
  bool const bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  auto const ip = IpAddress::Parse(host);
  return ip && !ip->empty() && bracketed == (host.find(':') != std::string_view::npos);
}

Result<void> CheckRanges(Network const& data, std::vector<IpNet> const& allow_ranges) {
  static std::vector<IpNet> const kPrivate{{IpAddress::V4({10, 0, 0, 0}), 8},
                                           {IpAddress::V4({172, 16, 0, 0}), 12},
                                           {IpAddress::V4({192, 168, 0, 0}), 16}};
  auto const& range = data.ip_range;
  auto const holds = [&](IpNet const& net) {
    return net.prefix <= range.prefix && net.Contains(range.ip);
  };
  bool const allowed = std::any_of(kPrivate.begin(), kPrivate.end(), holds) ||
                       std::any_of(allow_ranges.begin(), allow_ranges.end(), holds);
  if (!range.ip.is_v4() || range.prefix != 16 || !allowed)
    return Fail(Code::kInvalid, "network range '{}' must be a private ipv4 /16", range.ToString());
  if (!data.subnet.ip.is_v4() || data.subnet.prefix != 24 || !range.Contains(data.subnet.ip))
    return Fail(Code::kInvalid, "subnet '{}' must be an ipv4 /24 inside '{}'",
                data.subnet.ToString(), range.ToString());
  return {};
}

Result<void> CheckPeer(std::size_t number, Peer const& peer, std::set<WireGuardKey>& seen,
                       std::optional<WireGuardKey> const& own) {
  auto const key = KeyFromBase64(peer.wireguard_public_key);
  if (!key) return Fail(Code::kInvalid, "peer {}: invalid wireguard public key", number);
  if (key == own)
    return Fail(Code::kInvalid, "peer {}: public key is the network's own key", number);
  if (!seen.insert(*key).second)
    return Fail(Code::kInvalid, "peer {}: public key of another peer", number);
  if (!peer.endpoint.empty() && !IsEndpoint(peer.endpoint))
    return Fail(Code::kInvalid, "peer {}: endpoint '{}' must be an ip address with a port", number,
                peer.endpoint);
  bool const hole = std::any_of(peer.allowed_ips.begin(), peer.allowed_ips.end(),
                                [](IpNet const& net) { return net.empty(); });
  if (hole) return Fail(Code::kInvalid, "peer {}: empty allowed ip", number);
  return {};
}

}  // namespace

std::set<std::uint16_t> const& FixedPorts() {
  static std::set<std::uint16_t> const kPorts{80, 443, 8082, 300, 9651, 9943, 9944, 9945};
  return kPorts;
}

Result<void> CheckNetwork(std::string_view name, Network const& data,
                          std::vector<IpNet> const& allow_ranges) {
  if (name == "ygg" || name == "pub" || name == "mycelium")
    return Fail(Code::kInvalid, "'{}' is reserved network name", name);
  TRELLIS_CHECK(CheckRanges(data, allow_ranges));
  auto const secret = KeyFromBase64(data.wireguard_private_key);
  if (!secret) return Fail(Code::kInvalid, "invalid wireguard private key");
  if (data.peers.size() > kMaxPeers)
    return Fail(Code::kInvalid, "{} peers are above {}", data.peers.size(), kMaxPeers);
  auto const own = PublicKeyOf(*secret);
  std::set<WireGuardKey> seen;
  for (std::size_t i = 0; i < data.peers.size(); ++i)
    TRELLIS_CHECK(CheckPeer(i, data.peers[i], seen, own));
  return {};
}

Result<void> CheckPort(std::uint16_t port, std::set<std::uint16_t> const& used) {
  if (port == 0 || (!FixedPorts().contains(port) && !used.contains(port))) return {};
  return Fail(
      Code::kConflict,
      "wireguard listen port already in use, pick another one: port {} is already in the set",
      port);
}

}  // namespace trellis::plugins::network
