#include "plugins/network/checks.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

namespace trellis::plugins::network {

namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kKeyText = 44;  // base64 of 32 bytes, one '=' at the end
constexpr std::size_t kMaxPeers = 1024;
using Key = std::array<std::uint8_t, kKeyBytes>;

std::optional<Key> DecodeKey(std::string_view text) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() != kKeyText || text.back() != '=') return std::nullopt;
  Key key{};
  std::size_t written = 0;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (char const c : text.substr(0, kKeyText - 1)) {
    auto const digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = (bits << 6U) | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    key.at(written++) = static_cast<std::uint8_t>(bits >> count);
  }
  return key;
}

std::optional<Key> PublicKey(Key const& secret) {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> const pair(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, secret.data(), secret.size()),
      &EVP_PKEY_free);
  Key out{};
  std::size_t size = out.size();
  if (!pair || EVP_PKEY_get_raw_public_key(pair.get(), out.data(), &size) != 1) return std::nullopt;
  return out;
}

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

Result<void> CheckPeer(std::size_t number, Peer const& peer, std::set<Key>& seen,
                       std::optional<Key> const& own) {
  auto const key = DecodeKey(peer.wireguard_public_key);
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
  auto const secret = DecodeKey(data.wireguard_private_key);
  if (!secret) return Fail(Code::kInvalid, "invalid wireguard private key");
  if (data.peers.size() > kMaxPeers)
    return Fail(Code::kInvalid, "{} peers are above {}", data.peers.size(), kMaxPeers);
  auto const own = PublicKey(*secret);
  std::set<Key> seen;
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
