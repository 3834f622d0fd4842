// IP addresses, networks and hex bytes as the grid writes them: canonical text in challenges and
// answers.
#pragma once

#include <trellis/result.hpp>

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace trellis {

/// An IPv4 or IPv6 address, or none. IPv4-mapped IPv6 is kept as IPv4. JSON: text, "" = none.
class IpAddress {
 public:
  enum class Family : std::uint8_t { kNone, kV4, kV6 };
  static constexpr bool kNullIsEmpty = true;  ///< null is no address, whatever was there

  IpAddress() = default;
  static IpAddress V4(std::array<std::uint8_t, 4> bytes) {
    IpAddress out;
    out.family_ = Family::kV4;
    std::copy(bytes.begin(), bytes.end(), out.bytes_.begin());
    return out;
  }
  static IpAddress V6(std::array<std::uint8_t, 16> const& bytes) {
    static constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin()))
      return V4({bytes[12], bytes[13], bytes[14], bytes[15]});
    IpAddress out;
    out.family_ = Family::kV6;
    out.bytes_ = bytes;
    return out;
  }
  /// Four decimal groups, or RFC 4291 text without zone. "" is none. kDecode otherwise.
  static Result<IpAddress> Parse(std::string_view text) {
    if (text.empty()) return IpAddress();
    std::string const copy(text);
    std::array<std::uint8_t, 4> four{};
    std::array<std::uint8_t, 16> sixteen{};
    bool const embedded_nul = text.find('\0') != std::string_view::npos;
    if (!embedded_nul && inet_pton(AF_INET, copy.c_str(), four.data()) == 1) return V4(four);
    if (!embedded_nul && inet_pton(AF_INET6, copy.c_str(), sixteen.data()) == 1) return V6(sixteen);
    return Fail(Code::kDecode, "invalid ip address '{}'", text);
  }

  [[nodiscard]] Family family() const { return family_; }
  [[nodiscard]] bool empty() const { return family_ == Family::kNone; }
  [[nodiscard]] bool is_v4() const { return family_ == Family::kV4; }
  [[nodiscard]] bool is_v6() const { return family_ == Family::kV6; }
  /// 4 or 16 meaningful bytes, network order.
  [[nodiscard]] std::array<std::uint8_t, 16> const& bytes() const { return bytes_; }
  /// Canonical text (IPv6: RFC 5952, never a dotted tail); "" for none.
  [[nodiscard]] std::string ToString() const {
    if (family_ == Family::kNone) return "";
    if (family_ == Family::kV4)
      return fmt::format("{}.{}.{}.{}", bytes_[0], bytes_[1], bytes_[2], bytes_[3]);
    return V6Text();
  }
  bool operator==(IpAddress const&) const = default;
  auto operator<=>(IpAddress const&) const = default;

 private:
  [[nodiscard]] std::string V6Text() const {
    std::array<unsigned, 8> groups{};
    for (std::size_t i = 0; i < 8; ++i)
      groups[i] = static_cast<unsigned>(bytes_[2 * i] << 8U) | bytes_[2 * i + 1];
    std::size_t best = 8;
    std::size_t best_length = 1;  // a single zero group is not shortened
    for (std::size_t i = 0; i < 8; ++i) {
      std::size_t j = i;
      while (j < 8 && groups[j] == 0)
        ++j;
      if (j - i > best_length) {
        best = i;
        best_length = j - i;
      }
    }
    std::string text;
    for (std::size_t i = 0; i < 8;) {
      if (i == best) {
        text += "::";
        i += best_length;
        continue;
      }
      if (!text.empty() && text.back() != ':') text += ':';
      text += fmt::format("{:x}", groups[i++]);
    }
    return text;
  }

  Family family_ = Family::kNone;
  std::array<std::uint8_t, 16> bytes_{};
};

/// An address with a prefix length; host bits are kept. JSON: text "<ip>/<n>", "" = none.
struct IpNet {
  IpAddress ip;
  unsigned prefix = 0;

  /// kDecode for anything but "<ip>/<digits>" within range. Mapped IPv6 becomes IPv4 with prefix
  /// max(0, n-96).
  static Result<IpNet> Parse(std::string_view text) {
    if (text.empty()) return IpNet{};
    auto const slash = text.find('/');
    auto const bad = [&] { return Fail(Code::kDecode, "invalid ip network '{}'", text); };
    if (slash == std::string_view::npos) return bad();
    auto const digits = text.substr(slash + 1);
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos)
      return bad();
    unsigned prefix = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), prefix).ec != std::errc{})
      return bad();
    auto const address = text.substr(0, slash);
    auto ip = IpAddress::Parse(address);
    if (!ip || ip->empty()) return bad();
    bool const colons = address.find(':') != std::string_view::npos;
    if (prefix > (colons ? 128U : 32U)) return bad();
    if (colons && ip->is_v4()) prefix = prefix > 96 ? prefix - 96 : 0;
    return IpNet{*ip, prefix};
  }

  [[nodiscard]] bool empty() const { return ip.empty(); }
  [[nodiscard]] std::string ToString() const {
    return empty() ? "" : fmt::format("{}/{}", ip.ToString(), prefix);
  }
  /// The network address: host bits cleared.
  [[nodiscard]] IpNet Masked() const {
    auto bytes = ip.bytes();
    std::size_t const size = ip.is_v4() ? 4 : 16;
    for (std::size_t i = 0; i < size; ++i) {
      unsigned const keep =
          prefix > 8 * i ? std::min(8U, prefix - static_cast<unsigned>(8 * i)) : 0;
      bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xff00U >> keep));
    }
    if (ip.is_v4()) return {IpAddress::V4({bytes[0], bytes[1], bytes[2], bytes[3]}), prefix};
    return {IpAddress::V6(bytes), prefix};
  }
  [[nodiscard]] bool Contains(IpAddress const& other) const {
    return other.family() == ip.family() && IpNet{other, prefix}.Masked().ip == Masked().ip;
  }
  bool operator==(IpNet const&) const = default;
};

/// Bytes that travel as lower-case hex text without 0x.
struct HexBytes {
  static constexpr bool kNullIsEmpty = true;

  std::vector<std::uint8_t> bytes;

  static Result<HexBytes> Parse(std::string_view text) {
    HexBytes out;
    auto const digit = [](char c) -> int {
      if (c >= '0' && c <= '9') return c - '0';
      if (c >= 'a' && c <= 'f') return c - 'a' + 10;
      if (c >= 'A' && c <= 'F') return c - 'A' + 10;
      return -1;
    };
    if (text.size() % 2 != 0) return Fail(Code::kDecode, "hex text of odd length {}", text.size());
    out.bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
      int const high = digit(text[i]);
      int const low = digit(text[i + 1]);
      if (high < 0 || low < 0) return Fail(Code::kDecode, "invalid hex digit at {}", i);
      out.bytes.push_back(static_cast<std::uint8_t>(high * 16 + low));
    }
    return out;
  }
  [[nodiscard]] std::string ToString() const { return fmt::format("{:02x}", fmt::join(bytes, "")); }
  bool operator==(HexBytes const&) const = default;
};

}  // namespace trellis
