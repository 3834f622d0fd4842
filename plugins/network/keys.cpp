#include "plugins/network/keys.hpp"

#include <trellis/net.hpp>

#include <openssl/evp.h>

#include <memory>

namespace trellis::plugins::network {

namespace {

constexpr std::size_t kKeyText = 44;  // base64 of 32 bytes, one '=' at the end
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::optional<WireGuardKey> KeyFromBase64(std::string_view text) {
  if (text.size() != kKeyText || text.back() != '=') return std::nullopt;
  WireGuardKey key{};
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

std::string KeyToBase64(WireGuardKey const& key) {
  std::string text;
  text.reserve(kKeyText);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (auto const byte : key) {
    bits = (bits << 8U) | byte;
    count += 8;
    while (count >= 6) {
      count -= 6;
      text += kAlphabet[(bits >> count) & 0x3fU];
    }
  }
  text += kAlphabet[(bits << (6 - count)) & 0x3fU];
  return text + "=";
}

std::optional<WireGuardKey> KeyFromHex(std::string_view text) {
  auto const decoded = HexBytes::Parse(text);
  WireGuardKey key{};
  if (!decoded || decoded->bytes.size() != key.size()) return std::nullopt;
  std::copy(decoded->bytes.begin(), decoded->bytes.end(), key.begin());
  return key;
}

std::string KeyToHex(WireGuardKey const& key) {
  return HexBytes{{key.begin(), key.end()}}.ToString();
}

std::optional<WireGuardKey> PublicKeyOf(WireGuardKey const& secret) {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> const pair(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, secret.data(), secret.size()),
      &EVP_PKEY_free);
  WireGuardKey out{};
  std::size_t size = out.size();
  if (!pair || EVP_PKEY_get_raw_public_key(pair.get(), out.data(), &size) != 1) return std::nullopt;
  return out;
}

WireGuardKey Clamped(WireGuardKey secret) {
  secret.front() &= 0xf8U;
  secret.back() = static_cast<std::uint8_t>((secret.back() & 0x7fU) | 0x40U);
  return secret;
}

}  // namespace trellis::plugins::network
