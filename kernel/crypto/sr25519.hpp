// Schnorr signatures on ristretto255 with a Merlin transcript, signing context `substrate`.
// Internal to kernel/crypto; use keys.hpp.
#pragma once

#include "kernel/crypto/bytes.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace trellis::crypto::sr25519 {

/// Scalar (32 bytes) and nonce seed (32 bytes) of a mini secret.
std::array<std::uint8_t, 64> Expand(std::span<std::uint8_t const, 32> mini_secret);
/// scalar * B.
std::array<std::uint8_t, 32> PublicKeyOf(std::span<std::uint8_t const, 64> secret);
/// The 64 challenge bytes before reduction.
std::array<std::uint8_t, 64> Challenge(BytesView public_key, BytesView point_r, BytesView message);
std::array<std::uint8_t, 64> Sign(std::span<std::uint8_t const, 64> secret, BytesView public_key,
                                  BytesView message);

/// The mini secret one hard step below a secret.
std::array<std::uint8_t, 32> DeriveHard(std::span<std::uint8_t const, 64> secret,
                                        std::span<std::uint8_t const, 32> chain_code);
/// Scalar and nonce seed one soft step below a secret. The scalar is what everybody computes; the
/// nonce seed is this implementation's own, bound to the parent's.
std::array<std::uint8_t, 64> DeriveSoft(std::span<std::uint8_t const, 64> secret,
                                        BytesView public_key,
                                        std::span<std::uint8_t const, 32> chain_code);

/// The number in the second half of a signature; empty when length, marker or range are wrong.
std::optional<std::array<std::uint8_t, 32>> ScalarOf(BytesView signature);
bool Verify(BytesView public_key, BytesView message, BytesView signature);

}  // namespace trellis::crypto::sr25519
