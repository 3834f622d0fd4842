// Points of ristretto255 in variable time, for checking signatures: everything here is public.
// libsodium does the rest. Internal to kernel/crypto.
#pragma once

#include "kernel/crypto/field25519.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace trellis::crypto::curve {

/// Extended coordinates on the twisted Edwards curve: x = X/Z, y = Y/Z, xy = T/Z.
struct Point {
  Field x;
  Field y;
  Field z;
  Field t;
};

/// Empty for bytes that are no canonical encoding.
std::optional<Point> Decode(std::span<std::uint8_t const, 32> bytes);
std::array<std::uint8_t, 32> Encode(Point const& point);

/// s B - k P for scalars below 2^255 and the base point B.
Point CombineWithBase(std::span<std::uint8_t const, 32> s, std::span<std::uint8_t const, 32> k,
                      Point const& point);

}  // namespace trellis::crypto::curve
