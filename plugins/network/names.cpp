#include "plugins/network/names.hpp"

#include <openssl/evp.h>

#include <algorithm>

namespace trellis::plugins::network {

namespace {

using Digest = std::array<std::uint8_t, 16>;
constexpr std::size_t kIdLength = 13;
constexpr std::size_t kLastOffset = 10;  // six bytes of the digest are left from here

Digest Md5(void const* data, std::size_t size) {
  Digest out{};
  EVP_Digest(data, size, out.data(), nullptr, EVP_md5(), nullptr);
  return out;
}

std::string Base58(Digest const& input) {
  static constexpr std::string_view kAlphabet =
      "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  std::vector<unsigned> digits;  // least significant first
  for (auto const byte : input) {
    unsigned carry = byte;
    for (auto& digit : digits) {
      carry += digit * 256;
      digit = carry % 58;
      carry /= 58;
    }
    for (; carry > 0; carry /= 58)
      digits.push_back(carry % 58);
  }
  std::string text;
  for (std::size_t i = 0; i < input.size() && input[i] == 0; ++i)
    text += '1';
  std::for_each(digits.rbegin(), digits.rend(), [&](unsigned digit) { text += kAlphabet[digit]; });
  return text;
}

std::string ShortHash(std::string const& text) {
  return Base58(Md5(text.data(), text.size())).substr(0, kIdLength);
}

bool IsGood(MacAddress const& mac) {
  unsigned const head = static_cast<unsigned>(mac[0] << 8U) | mac[1];
  unsigned const tail = static_cast<unsigned>(mac[3] << 16U | mac[4] << 8U) | mac[5];
  if (tail <= 0x0051ff) return head >= 0x0003;
  if (tail <= 0x9000ff) return head >= 0x0054 && head != 0x3333;
  static constexpr MacAddress kLast{0xff, 0xff, 0xff, 0xff, 0xff, 0xfe};
  return mac <= kLast && head >= 0x9002;
}

}  // namespace

std::string NetId(std::uint32_t twin, std::string_view name) {
  return ShortHash(fmt::format("{}:{}", twin, name));
}

std::string UniqueName(std::string_view id, std::string_view suffix) {
  return ShortHash(fmt::format("{}:{}", id, suffix));
}

MacAddress HardwareAddress(std::string_view input) {
  auto hash = Md5(input.data(), input.size());
  for (std::size_t offset = 0;;) {
    hash[offset] = static_cast<std::uint8_t>((hash[offset] | 2U) & 0xfeU);
    MacAddress mac{};
    std::copy_n(hash.begin() + static_cast<std::ptrdiff_t>(offset), mac.size(), mac.begin());
    if (IsGood(mac)) return mac;
    if (offset < kLastOffset) {
      ++offset;
      continue;
    }
    hash = Md5(hash.data(), hash.size());
    offset = 0;
  }
}

std::string MacText(MacAddress const& mac) {
  return fmt::format("{:02x}", fmt::join(mac, ":"));
}

IpAddress PrivateV6(std::string_view net_id, IpAddress const& ip) {
  std::array<std::uint8_t, 16> bytes{0xfd};
  for (std::size_t i = 0; i < 5 && i < net_id.size(); ++i)
    bytes[i + 1] = static_cast<std::uint8_t>(net_id[i]);
  bytes[7] = ip.bytes()[2];
  bytes[15] = ip.bytes()[3];
  return IpAddress::V6(bytes);
}

IpAddress WireGuardAddress(IpAddress const& subnet) {
  return IpAddress::V4({100, 64, subnet.bytes()[1], subnet.bytes()[2]});
}

IpAddress NdmzV6(IpAddress const& lease) {
  std::array<std::uint8_t, 16> bytes{0xfd};
  bytes[14] = lease.bytes()[2];
  bytes[15] = lease.bytes()[3];
  return IpAddress::V6(bytes);
}

IpNet SlaacAddress(MacAddress const& mac, IpNet const& prefix) {
  auto bytes = prefix.Masked().ip.bytes();
  std::array<std::uint8_t, 8> const tail{
      static_cast<std::uint8_t>(mac[0] ^ 2U), mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]};
  std::copy(tail.begin(), tail.end(), bytes.begin() + 8);
  return {IpAddress::V6(bytes), prefix.prefix};
}

bool IsLinkLocal(IpAddress const& ip) {
  return ip.is_v6() && ip.bytes()[0] == 0xfe && (ip.bytes()[1] & 0xc0U) == 0x80;
}

bool IsGlobalV6(IpAddress const& ip) {
  return ip.is_v6() && (ip.bytes()[0] & 0xe0U) == 0x20;
}

}  // namespace trellis::plugins::network
