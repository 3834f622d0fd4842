#include "kernel/crypto/bytes.hpp"

#include <sodium.h>

#include <algorithm>

namespace trellis::crypto {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase58Digits =
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Multiplies the little-endian number `digits` by `factor` in base `base` and adds `carry`.
void MultiplyAdd(std::vector<std::uint8_t>& digits, unsigned base, unsigned factor,
                 unsigned carry) {
  for (auto& digit : digits) {
    carry += digit * factor;
    digit = static_cast<std::uint8_t>(carry % base);
    carry /= base;
  }
  for (; carry != 0; carry /= base)
    digits.push_back(static_cast<std::uint8_t>(carry % base));
}

std::string ToBase64(BytesView bytes, int variant) {
  std::string out(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(out.data(), out.size(), bytes.data(), bytes.size(), variant);
  out.pop_back();  // libsodium counts the terminating zero
  return out;
}

Result<Bytes> OfBase64(std::string_view text, int variant, std::string_view refusal) {
  // libsodium 1.0.18 takes some bytes beyond ASCII for letters.
  if (std::any_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; }))
    return Fail(Code::kDecode, "{}", refusal);
  Bytes out(text.size() / 4 * 3 + 3);
  std::size_t size = 0;
  char const* end = nullptr;
  int const status = sodium_base642bin(out.data(), out.size(), text.data(), text.size(), nullptr,
                                       &size, &end, variant);
  if (status != 0 || end != text.data() + text.size()) return Fail(Code::kDecode, "{}", refusal);
  out.resize(size);
  return out;
}

}  // namespace

std::string Hex(BytesView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (auto const byte : bytes) {
    out.push_back(kHexDigits[byte >> 4U]);
    out.push_back(kHexDigits[byte & 15U]);
  }
  return out;
}

Result<Bytes> FromHex(std::string_view text) {
  if (text.size() % 2 != 0)
    return Fail(Code::kDecode, "hex text has an odd number of digits ({})", text.size());
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    int const high = HexValue(text[i]);
    int const low = HexValue(text[i + 1]);
    if (high < 0 || low < 0) return Fail(Code::kDecode, "not a hex digit near position {}", i);
    out.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  return out;
}

Result<Bytes> FromHex0x(std::string_view text) {
  if (!text.starts_with("0x")) return Fail(Code::kDecode, "hex text does not start with '0x'");
  return FromHex(text.substr(2));
}

std::string Base64(BytesView bytes) {
  return ToBase64(bytes, sodium_base64_VARIANT_ORIGINAL);
}

Result<Bytes> FromBase64(std::string_view text) {
  return OfBase64(text, sodium_base64_VARIANT_ORIGINAL, "not base64");
}

std::string Base64Url(BytesView bytes) {
  return ToBase64(bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

Result<Bytes> FromBase64Url(std::string_view text) {
  return OfBase64(text, sodium_base64_VARIANT_URLSAFE_NO_PADDING, "not base64url without padding");
}

std::string Base58(BytesView bytes) {
  std::vector<std::uint8_t> digits;
  for (auto const byte : bytes)
    MultiplyAdd(digits, 58, 256, byte);
  auto const zeros =
      std::find_if(bytes.begin(), bytes.end(), [](auto byte) { return byte != 0; }) - bytes.begin();
  std::string out(static_cast<std::size_t>(zeros), '1');
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit)
    out.push_back(kBase58Digits[*digit]);
  return out;
}

Result<Bytes> FromBase58(std::string_view text) {
  if (text.size() > kMaxBase58)
    return Fail(Code::kDecode, "base58 text of {} characters is too long", text.size());
  std::vector<std::uint8_t> reversed;
  for (auto const c : text) {
    auto const digit = kBase58Digits.find(c);
    if (digit == std::string_view::npos) return Fail(Code::kDecode, "not base58");
    MultiplyAdd(reversed, 256, 58, static_cast<unsigned>(digit));
  }
  Bytes out(std::min(text.find_first_not_of('1'), text.size()), 0);
  out.insert(out.end(), reversed.rbegin(), reversed.rend());
  return out;
}

}  // namespace trellis::crypto
