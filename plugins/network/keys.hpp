// Keys of WireGuard: 32 bytes of Curve25519. All functions are pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace trellis::plugins::network {

using WireGuardKey = std::array<std::uint8_t, 32>;

/// Standard base64 with padding, as in workloads.
std::optional<WireGuardKey> KeyFromBase64(std::string_view text);
std::string KeyToBase64(WireGuardKey const& key);
/// 64 lower-case digits, as on the control socket of wireguard-go.
std::optional<WireGuardKey> KeyFromHex(std::string_view text);
std::string KeyToHex(WireGuardKey const& key);
/// The key that peers know; nullopt when there is none to `secret`.
std::optional<WireGuardKey> PublicKeyOf(WireGuardKey const& secret);
/// As it is stored: some bits of a secret are fixed.
WireGuardKey Clamped(WireGuardKey secret);

}  // namespace trellis::plugins::network
