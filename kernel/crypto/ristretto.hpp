// Encodings of ristretto255, for checking signatures. Internal to kernel/crypto.
#pragma once

#include "kernel/crypto/edwards25519.hpp"

namespace trellis::crypto::curve {

/// Empty for bytes that are no canonical encoding.
std::optional<Point> DecodeRistretto(std::span<std::uint8_t const, 32> bytes);
std::array<std::uint8_t, 32> EncodeRistretto(Point const& point);

}  // namespace trellis::crypto::curve
