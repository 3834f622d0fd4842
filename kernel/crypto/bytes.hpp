// Byte spans and their text forms: hex, base64, base64url, base58.
#pragma once

#include <trellis/result.hpp>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::crypto {

using Bytes = std::vector<std::uint8_t>;
using BytesView = std::span<std::uint8_t const>;

/// The bytes of `text`, borrowed.
inline BytesView AsBytes(std::string_view text) {
  return {reinterpret_cast<std::uint8_t const*>(text.data()), text.size()};
}

/// The bytes as text, borrowed.
inline std::string_view AsText(BytesView bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

/// Lower-case hex without a prefix.
std::string Hex(BytesView bytes);

/// Hex of either case without a prefix, an even number of digits; empty text is no bytes. kDecode.
Result<Bytes> FromHex(std::string_view text);

/// As FromHex, after a mandatory `0x`. kDecode.
Result<Bytes> FromHex0x(std::string_view text);

/// base64 with padding.
std::string Base64(BytesView bytes);

/// base64 with padding; refuses other alphabets and stray bits. kDecode.
Result<Bytes> FromBase64(std::string_view text);

/// base64url without padding.
std::string Base64Url(BytesView bytes);

/// base64url without padding; refuses padding, other alphabets and stray bits. kDecode.
Result<Bytes> FromBase64Url(std::string_view text);

/// base58, Bitcoin alphabet, one `1` per leading zero byte. Quadratic: for short inputs.
std::string Base58(BytesView bytes);

/// Inverse of Base58 for texts of at most kMaxBase58 characters. kDecode.
Result<Bytes> FromBase58(std::string_view text);
inline constexpr std::size_t kMaxBase58 = 256;

/// Exactly N bytes out of a span of any length. kDecode.
template <std::size_t N>
Result<std::array<std::uint8_t, N>> Exactly(BytesView bytes) {
  if (bytes.size() != N) return Fail(Code::kDecode, "expected {} bytes, got {}", N, bytes.size());
  std::array<std::uint8_t, N> out{};
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

}  // namespace trellis::crypto
