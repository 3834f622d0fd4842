// End-to-end encryption between two twins: secp256k1 key agreement and an AES-256-GCM box.
#pragma once

#include "kernel/crypto/bytes.hpp"

#include <trellis/result.hpp>

#include <array>
#include <cstdint>

namespace trellis::crypto {

using E2ePublicKey = std::array<std::uint8_t, 33>;  // compressed, as published on the ledger
using SharedKey = std::array<std::uint8_t, 32>;

inline constexpr std::size_t kBoxNonceBytes = 12;
inline constexpr std::size_t kBoxTagBytes = 16;
inline constexpr std::size_t kBoxOverhead = kBoxNonceBytes + kBoxTagBytes;

/// The compressed public key of a twin's seed. kInvalid: zero or not below the group order.
Result<E2ePublicKey> PublicKeyOf(std::span<std::uint8_t const, 32> seed);

/// SHA-256 of the x coordinate of the ECDH point. kInvalid: bad seed or peer key.
Result<SharedKey> Agree(std::span<std::uint8_t const, 32> seed, BytesView peer_public_key);

/// nonce ‖ ciphertext ‖ tag with a random nonce.
Result<Bytes> Seal(SharedKey const& key, BytesView plain);

/// As Seal with a given nonce, which must never repeat under one key: for tests.
Result<Bytes> SealWithNonce(SharedKey const& key,
                            std::span<std::uint8_t const, kBoxNonceBytes> nonce, BytesView plain);

/// kDenied: shorter than kBoxOverhead, or the tag does not match.
Result<Bytes> Open(SharedKey const& key, BytesView box);

}  // namespace trellis::crypto
