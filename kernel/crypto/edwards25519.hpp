// Points of the curve edwards25519 and sums of their multiples in variable time, for checking
// signatures: everything here is public. Signing stays with libsodium. Internal to kernel/crypto.
#pragma once

#include "kernel/crypto/field25519.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace trellis::crypto::curve {

/// Extended coordinates: x = X/Z, y = Y/Z, xy = T/Z.
struct Point {
  Field x;
  Field y;
  Field z;
  Field t;
};

/// d of the curve: -121665/121666.
Field const& CurveD();

/// What a point is kept as when it is added often: Y+X, Y-X, Z, 2dT.
struct Addend {
  Field y_plus_x;
  Field y_minus_x;
  Field z;
  Field t2d;
};
/// P, 3 P, 5 P, … for signed odd digits of `width` bits.
struct Table {
  unsigned width = 0;
  std::vector<Addend> multiples;
};
Table MakeTable(Point const& point, unsigned width);

/// A point of 253-bit multiples cut in two: half as many doublings for one more table. Takes about
/// as long to make as a signature to check.
struct SplitTable {
  Table low;   ///< of P
  Table high;  ///< of 2^128 P
};
SplitTable MakeSplitTable(Point const& point, unsigned width);
/// Of the base point.
SplitTable const& BaseTable();

/// s B + k P, where the table is P's; both scalars below 2^253.
Point CombineWithBase(std::span<std::uint8_t const, 32> s, std::span<std::uint8_t const, 32> k,
                      SplitTable const& table);
/// The same for a P that is used once, from MakeTable.
Point CombineWithBase(std::span<std::uint8_t const, 32> s, std::span<std::uint8_t const, 32> k,
                      Table const& table);

[[nodiscard]] Point Negate(Point const& point);
/// 8 P is the identity.
[[nodiscard]] bool HasSmallOrder(Point const& point);

/// The encoding of ed25519. Empty for bytes that are no point or not the smallest encoding.
std::optional<Point> DecodeEdwards(std::span<std::uint8_t const, 32> bytes);
std::array<std::uint8_t, 32> EncodeEdwards(Point const& point);

}  // namespace trellis::crypto::curve
