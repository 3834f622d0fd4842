#include "tools/cli/network_access.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <set>

namespace trellis::cli {

namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr unsigned kFirstSubnet = 2;  // third octet, as clients choose them
constexpr unsigned kLastSubnet = 254;
using KeyBytes = std::array<unsigned char, kKeyBytes>;

std::string Base64(KeyBytes const& key) {
  std::array<char, sodium_base64_ENCODED_LEN(kKeyBytes, sodium_base64_VARIANT_ORIGINAL)> text{};
  sodium_bin2base64(text.data(), text.size(), key.data(), key.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  return text.data();
}

/// W(subnet): the only address that a laptop has, and the tunnel address of a node.
std::string TunnelAddress(IpNet const& subnet) {
  auto const& bytes = subnet.ip.bytes();
  return fmt::format("100.64.{}.{}/32", bytes[1], bytes[2]);
}

Result<json::Value> DataOf(grid::Workload const& network) {
  TRELLIS_TRY(auto data, json::ParseValue(network.data.OrNull()));
  if (!data.is_object() || !data.as_object().contains("peers"))
    return Fail(Code::kInvalid, "'{}' has no data of a network", network.name);
  if (!data.as_object().at("peers").is_array()) data.as_object()["peers"] = boost::json::array{};
  return data;
}

Result<IpNet> NetIn(json::Value const& object, std::string_view key) {
  auto const* const value = object.is_object() ? object.as_object().if_contains(key) : nullptr;
  if (value == nullptr || !value->is_string())
    return Fail(Code::kInvalid, "the network has no {}", key);
  return IpNet::Parse(std::string_view(value->as_string()));
}

std::string TextIn(json::Value const& object, std::string_view key) {
  auto const* const value = object.as_object().if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

/// Third octets of the subnets that a network's data tells of.
Result<void> TakeSubnets(json::Value const& data, std::set<unsigned>& taken) {
  TRELLIS_TRY(auto const own, NetIn(data, "subnet"));
  taken.insert(own.ip.bytes()[2]);
  for (auto const& peer : data.at("peers").as_array()) {
    if (auto const subnet = NetIn(peer, "subnet"); subnet) taken.insert(subnet->ip.bytes()[2]);
    auto const* const allowed = peer.as_object().if_contains("allowed_ips");
    if (allowed == nullptr || !allowed->is_array()) continue;
    for (auto const& text : allowed->as_array()) {
      auto const net = text.is_string() ? IpNet::Parse(std::string_view(text.as_string()))
                                        : Result<IpNet>(IpNet{});
      if (net && net->prefix == 24) taken.insert(net->ip.bytes()[2]);
    }
  }
  return {};
}

}  // namespace

AccessKeys NewAccessKeys() {
  KeyBytes secret{};
  KeyBytes open{};
  randombytes_buf(secret.data(), secret.size());
  secret.front() &= 0xf8U;
  secret.back() = static_cast<unsigned char>((secret.back() & 0x7fU) | 0x40U);
  (void)crypto_scalarmult_base(open.data(), secret.data());
  return {Base64(secret), Base64(open)};
}

Result<std::string> OpenKeyOf(std::string const& secret) {
  KeyBytes bytes{};
  std::size_t size = 0;
  bool const good = sodium_base642bin(bytes.data(), bytes.size(), secret.data(), secret.size(),
                                      nullptr, &size, nullptr, sodium_base64_VARIANT_ORIGINAL) == 0;
  if (!good || size != bytes.size()) return Fail(Code::kInvalid, "not a wireguard key");
  KeyBytes open{};
  (void)crypto_scalarmult_base(open.data(), bytes.data());
  return Base64(open);
}

Result<std::vector<UserAccess>> AccessesOf(grid::Workload const& network) {
  std::vector<UserAccess> accesses;
  if (network.metadata.empty()) return accesses;
  auto const metadata = json::ParseValue(network.metadata);
  if (!metadata || !metadata->is_object())
    return Fail(Code::kInvalid, "the metadata of '{}' is not a JSON object", network.name);
  auto const* const list = metadata->as_object().if_contains("user_accesses");
  if (list == nullptr || list->is_null()) return accesses;
  TRELLIS_CHECK(json::Decode(*list, accesses));
  return accesses;
}

Result<void> AddAccess(grid::Workload& network, UserAccess const& access) {
  TRELLIS_TRY(auto data, DataOf(network));
  TRELLIS_TRY(auto accesses, AccessesOf(network));
  TRELLIS_TRY(auto const open, OpenKeyOf(access.private_key));
  boost::json::array const allowed{json::Value(access.subnet.ToString()),
                                   json::Value(TunnelAddress(access.subnet))};
  data.as_object().at("peers").as_array().push_back(
      boost::json::object{{"subnet", access.subnet.ToString()},
                          {"wireguard_public_key", open},
                          {"allowed_ips", allowed},
                          {"endpoint", ""}});
  network.data.text = boost::json::serialize(data);
  accesses.push_back(access);
  json::Value metadata = boost::json::object{{"version", 3}};
  if (!network.metadata.empty()) {
    TRELLIS_TRY(metadata, json::ParseValue(network.metadata));
  }
  metadata.as_object()["user_accesses"] = json::Encode(accesses);
  network.metadata = boost::json::serialize(metadata);
  return {};
}

Result<bool> AddRoute(grid::Workload& network, IpNet const& subnet, std::string const& node) {
  TRELLIS_TRY(auto data, DataOf(network));
  for (auto& peer : data.as_object().at("peers").as_array()) {
    if (!peer.is_object() || TextIn(peer, "wireguard_public_key") != node) continue;
    auto& allowed = peer.as_object()["allowed_ips"];
    if (!allowed.is_array()) allowed = boost::json::array{};
    allowed.as_array().emplace_back(subnet.ToString());
    allowed.as_array().emplace_back(TunnelAddress(subnet));
    network.data.text = boost::json::serialize(data);
    return true;
  }
  return false;
}

Result<std::string> OpenKeyIn(grid::Workload const& network) {
  TRELLIS_TRY(auto const data, DataOf(network));
  return OpenKeyOf(TextIn(data, "wireguard_private_key"));
}

Result<IpNet> FreeSubnet(std::vector<grid::Workload const*> const& parts) {
  std::set<unsigned> taken;
  IpNet range;
  for (auto const* part : parts) {
    TRELLIS_TRY(auto const data, DataOf(*part));
    TRELLIS_TRY(range, NetIn(data, "ip_range"));
    TRELLIS_CHECK(TakeSubnets(data, taken));
    TRELLIS_TRY(auto const accesses, AccessesOf(*part));
    for (auto const& access : accesses)
      taken.insert(access.subnet.ip.bytes()[2]);
  }
  auto const& bytes = range.ip.bytes();
  for (unsigned third = kFirstSubnet; third <= kLastSubnet; ++third) {
    if (taken.contains(third)) continue;
    return IpNet{IpAddress::V4({bytes[0], bytes[1], static_cast<std::uint8_t>(third), 0}), 24};
  }
  return Fail(Code::kExhausted, "no subnet of '{}' is free", range.ToString());
}

Result<std::string> AccessFile(grid::Workload const& network, UserAccess const& access,
                               std::string const& endpoint) {
  TRELLIS_TRY(auto const data, DataOf(network));
  TRELLIS_TRY(auto const range, NetIn(data, "ip_range"));
  TRELLIS_TRY(auto const node, OpenKeyIn(network));
  return fmt::format(
      "[Interface]\nAddress = {}\nPrivateKey = {}\n\n[Peer]\nPublicKey = {}\n"
      "AllowedIPs = {}, 100.64.0.0/16\nPersistentKeepalive = 25\nEndpoint = {}\n",
      TunnelAddress(access.subnet), access.private_key, node, range.Masked().ToString(), endpoint);
}

}  // namespace trellis::cli
