#include "kernel/ledger/rules/forms.hpp"

#include "kernel/ledger/calls.hpp"
#include "kernel/ledger/rules/refusal.hpp"

#include <trellis/net.hpp>

#include <algorithm>
#include <array>

namespace trellis::ledger::rules {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsLower(char c) {
  return c >= 'a' && c <= 'z';
}
bool IsAlnum(char c) {
  return IsDigit(c) || IsLower(c) || (c >= 'A' && c <= 'Z');
}

bool IsIn(IpAddress const& ip, std::string_view net) {
  auto const parsed = IpNet::Parse(net);
  return parsed && parsed->Contains(ip);
}

bool IsUnicast(IpAddress const& ip) {
  constexpr std::array<std::string_view, 5> kOthers{"0.0.0.0/8", "224.0.0.0/4",
                                                    "240.0.0.0/4",  // with broadcast
                                                    "ff00::/8", "::/128"};
  return std::ranges::none_of(kOthers, [&](auto net) { return IsIn(ip, net); });
}

bool IsPrivate(IpAddress const& ip) {
  constexpr std::array<std::string_view, 9> kPrivate{
      "10.0.0.0/8",     "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8",
      "169.254.0.0/16", "fc00::/7",      "fe80::/10",      "::1/128"};
  return std::ranges::any_of(kPrivate, [&](auto net) { return IsIn(ip, net); });
}

}  // namespace

Result<void> CheckRelay(std::optional<std::string> const& relay) {
  if (!relay) return {};
  auto const allowed = [](char c) {
    return IsAlnum(c) || std::string_view("-_.:/[]").find(c) != std::string_view::npos;
  };
  bool const dots =
      relay->starts_with('.') || relay->ends_with('.') || relay->find("..") != std::string::npos;
  if (relay->empty() || relay->size() > kMaxRelayBytes || dots ||
      !std::ranges::all_of(*relay, allowed))
    return Refuse("InvalidRelayAddress", "relay is not a host name");
  return {};
}

Result<void> CheckPeerKey(std::optional<PeerKey> const& pk) {
  if (pk && pk->bytes[0] != 2 && pk->bytes[0] != 3)
    return Refuse("InvalidPublicKey", "pk is not a compressed secp256k1 key");
  return {};
}

Result<void> CheckContractName(std::string_view name) {
  if (name.size() < kMinContractName)
    return Refuse("NameContractNameTooShort", "name has less than {} characters", kMinContractName);
  if (name.size() > kMaxContractName)
    return Refuse("NameContractNameTooLong", "name has more than {} characters", kMaxContractName);
  auto const allowed = [](char c) { return IsLower(c) || IsDigit(c) || c == '-' || c == '_'; };
  if (!std::ranges::all_of(name, allowed))
    return Refuse("NameNotValid", "name has other characters than a-z, 0-9, '-' and '_'");
  return {};
}

Result<void> CheckHash(std::string_view hash) {
  auto const allowed = [](char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); };
  if (hash.size() != kHashBytes || !std::ranges::all_of(hash, allowed))
    return Refuse("HashNotValid", "hash is not {} lower-case hex characters", kHashBytes);
  return {};
}

Result<void> CheckData(std::string_view data) {
  if (data.size() > kMaxDataBytes)
    return Refuse("DataTooLong", "contract data has more than {} bytes", kMaxDataBytes);
  // It travels inside JSON (events, commands), where other bytes cannot.
  if (!json::ParseValue(boost::json::serialize(data)))
    return Refuse("DataNotValid", "contract data is not UTF-8");
  return {};
}

Result<void> CheckFarmName(std::string_view name) {
  if (name.size() > kMaxFarmName)
    return Refuse("FarmNameTooLong", "farm name has more than {} characters", kMaxFarmName);
  auto const allowed = [](char c) { return IsAlnum(c) || c == '-' || c == '_'; };
  if (name.empty() || !std::ranges::all_of(name, allowed))
    return Refuse("InvalidFarmName", "farm name has other characters than A-Z, a-z, 0-9, '-', '_'");
  return {};
}

Result<IpConfig> CheckAddress(IpConfig const& config, PrivateRanges private_ranges) {
  auto const net = IpNet::Parse(config.ip);
  if (!net || net->empty())
    return Refuse("InvalidPublicIP", "'{}' is not an address with prefix length", config.ip);
  auto const gateway = IpAddress::Parse(config.gw);
  if (!gateway || gateway->empty())
    return Refuse("InvalidPublicIP", "gateway '{}' is not an address", config.gw);
  if (!net->Contains(*gateway))
    return Refuse("InvalidPublicIP", "gateway '{}' is outside of '{}'", config.gw, config.ip);
  if (net->ip == *gateway)
    return Refuse("InvalidPublicIP", "gateway '{}' is the address itself", config.gw);
  if (!IsUnicast(net->ip) || !IsUnicast(*gateway))
    return Refuse("InvalidPublicIP", "'{}' or its gateway is not unicast", config.ip);
  if (private_ranges == PrivateRanges::kRefused && (IsPrivate(net->ip) || IsPrivate(*gateway)))
    return Refuse("InvalidPublicIP", "'{}' is not a public address", config.ip);
  return IpConfig{.ip = net->ToString(), .gw = gateway->ToString()};
}

Result<PublicConfig> CheckPublicConfig(PublicConfig const& config, PrivateRanges private_ranges) {
  PublicConfig checked;
  TRELLIS_TRY(checked.ip4, CheckAddress(config.ip4, private_ranges));
  if (checked.ip4.ip.find(':') != std::string::npos)
    return Refuse("InvalidPublicIP", "'{}' is not an IPv4 address", config.ip4.ip);
  if (config.ip6) {
    TRELLIS_TRY(checked.ip6, CheckAddress(*config.ip6, private_ranges));
    if (checked.ip6->ip.find(':') == std::string::npos)
      return Refuse("InvalidPublicIP", "'{}' is not an IPv6 address", config.ip6->ip);
  }
  auto const allowed = [](char c) { return IsAlnum(c) || c == '.' || c == '-'; };
  checked.domain = config.domain;
  if (config.domain && (config.domain->empty() || config.domain->size() > kMaxDomainBytes ||
                        !std::ranges::all_of(*config.domain, allowed)))
    return Refuse("InvalidDomain", "'{}' is not a domain name", *config.domain);
  return checked;
}

}  // namespace trellis::ledger::rules
