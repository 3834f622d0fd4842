#include "plugins/ip/allocation.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace trellis::plugins::ip {

namespace {

constexpr unsigned kSlaacPrefix = 64;
constexpr std::size_t kMacBytes = 6;

tl::unexpected<Error> Malformed(std::string_view text) {
  return Fail(Code::kInvalid, "malformed ip address in contract '{}'", text);
}

Result<std::array<std::uint8_t, kMacBytes>> ParseMac(std::string_view text) {
  std::array<std::uint8_t, kMacBytes> mac{};
  static constexpr std::size_t kStep = 3;  // two digits and a colon
  bool good = text.size() == kMacBytes * kStep - 1;
  for (std::size_t i = 0; good && i < mac.size(); ++i) {
    auto const* const digits = text.data() + i * kStep;
    auto const [end, error] = std::from_chars(digits, digits + 2, mac.at(i), 16);
    good = error == std::errc{} && end == digits + 2;
  }
  if (!good) return Fail(Code::kInvalid, "'{}' is not a hardware address", text);
  return mac;
}

}  // namespace

Siblings LookAtSiblings(std::span<WorkloadView const> workloads, std::string_view id) {
  Siblings siblings;
  for (auto const& workload : workloads) {
    auto const data = workload.data.As<PublicIp>();
    if (workload.result.state == "deleted" || !data || !data->v4) continue;
    ++siblings.wanted;
    if (workload.id == id || !workload.IsOkay()) continue;
    auto const result = workload.result.data.As<PublicIpResult>();
    if (result && !result->ip.empty()) siblings.used.push_back(result->ip.ip);
  }
  return siblings;
}

Result<std::vector<Address4>> Reserved(ContractView const& contract) {
  std::vector<Address4> reserved;
  for (auto const& entry : contract.public_ips) {
    auto const ip = IpNet::Parse(entry.ip);
    if (!ip || !ip->ip.is_v4()) return Malformed(entry.ip);
    auto const gateway = IpAddress::Parse(entry.gateway);
    if (!gateway || !gateway->is_v4()) return Malformed(entry.gateway);
    reserved.push_back({*ip, *gateway});
  }
  return reserved;
}

Result<Address4> Choose(std::vector<Address4> const& reserved, Siblings const& siblings,
                        std::optional<IpNet> const& kept) {
  if (kept) {
    auto const found = std::ranges::find(reserved, kept->ip, [](auto const& a) { return a.ip.ip; });
    if (found != reserved.end()) return *found;
    return Fail(Code::kInvalid, "public ip {} is no longer reserved by the contract",
                kept->ip.ToString());
  }
  if (siblings.wanted > reserved.size())
    return Fail(Code::kExhausted, "required {} ips while contract has {} ip reserved",
                siblings.wanted, reserved.size());
  auto const free = std::ranges::find_if(reserved, [&](auto const& address) {
    return std::ranges::find(siblings.used, address.ip.ip) == siblings.used.end();
  });
  if (free != reserved.end()) return *free;
  return Fail(Code::kExhausted, "could not allocate public IP address to workload");
}

Result<IpNet> Slaac(IpNet const& prefix, std::string_view mac) {
  if (!prefix.ip.is_v6() || prefix.prefix != kSlaacPrefix)
    return Fail(Code::kInvalid, "'{}' is not an ipv6 /64", prefix.ToString());
  TRELLIS_TRY(auto const hardware, ParseMac(mac));
  auto bytes = prefix.ip.bytes();
  std::array<std::uint8_t, 8> const host = {static_cast<std::uint8_t>(hardware[0] ^ 2U),
                                            hardware[1],
                                            hardware[2],
                                            0xff,
                                            0xfe,
                                            hardware[3],
                                            hardware[4],
                                            hardware[5]};
  std::ranges::copy(host, bytes.begin() + 8);
  return IpNet{IpAddress::V6(bytes), prefix.prefix};
}

}  // namespace trellis::plugins::ip
