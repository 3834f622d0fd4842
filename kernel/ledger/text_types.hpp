// Values of the ledger that travel as text: enumerators by name, keys as hex.
#pragma once

#include <trellis/result.hpp>

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace trellis::ledger {

/// An enumerator of `E`; its text is `kNames[value]`. Converts to and from `E` freely.
template <class E, auto const& kNames>
struct TextEnum {
  E value{};

  constexpr TextEnum() = default;
  constexpr TextEnum(E initial) : value(initial) {}  // NOLINT(google-explicit-constructor)
  constexpr operator E() const { return value; }     // NOLINT(google-explicit-constructor)

  /// kDecode for a text that is no name.
  static Result<TextEnum> Parse(std::string_view text) {
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (kNames[i] == text) return TextEnum(static_cast<E>(i));
    }
    return Fail(Code::kDecode, "unknown value '{}'", text);
  }
  [[nodiscard]] std::string ToString() const {
    return std::string(kNames[static_cast<std::size_t>(value)]);
  }
};

/// Exactly N bytes; text is `0x` and lower-case hex. Parse also takes hex without `0x`.
template <std::size_t N>
struct Key {
  std::array<std::uint8_t, N> bytes{};

  /// kDecode when the text is not N bytes of hex.
  static Result<Key> Parse(std::string_view text) {
    std::string_view const hex = text.starts_with("0x") ? text.substr(2) : text;
    if (hex.size() != 2 * N) return Fail(Code::kDecode, "expected {} hex bytes", N);
    Key key;
    for (std::size_t i = 0; i < N; ++i) {
      char const* const end = hex.data() + 2 * i + 2;
      auto const [used, failed] = std::from_chars(end - 2, end, key.bytes[i], 16);
      if (failed != std::errc() || used != end) return Fail(Code::kDecode, "invalid hex text");
    }
    return key;
  }
  [[nodiscard]] std::string ToString() const {
    return fmt::format("0x{:02x}", fmt::join(bytes, ""));
  }
  bool operator==(Key const&) const = default;
  auto operator<=>(Key const&) const = default;
};

using Account = Key<32>;  ///< public key of a twin; the algorithm is not recorded
using PeerKey = Key<33>;  ///< compressed secp256k1 key for end-to-end encryption

}  // namespace trellis::ledger
