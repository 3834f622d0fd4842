#include "kernel/crypto/ristretto.hpp"

#include <algorithm>

namespace trellis::crypto::curve {
namespace {

/// 1 / sqrt(-1 - d).
Field const& InverseRoot() {
  static Field const root = SquareRootOfRatio(kOne, Subtract(Negate(kOne), CurveD())).value;
  return root;
}

}  // namespace

std::optional<Point> DecodeRistretto(std::span<std::uint8_t const, 32> bytes) {
  auto const s = FromBytes(bytes);
  auto const canonical = ToBytes(s);
  bool const good = std::equal(canonical.begin(), canonical.end(), bytes.begin()) && !IsNegative(s);
  if (!good) return std::nullopt;
  auto const ss = Square(s);
  auto const u1 = Subtract(kOne, ss);
  auto const u2 = Add(kOne, ss);
  auto const u2u2 = Square(u2);
  auto const v = Subtract(Negate(Multiply(CurveD(), Square(u1))), u2u2);
  auto const inverse = SquareRootOfRatio(kOne, Multiply(v, u2u2));
  auto const x_part = Multiply(inverse.value, u2);
  auto const y_part = Multiply(Multiply(inverse.value, x_part), v);
  Point point;
  point.x = Absolute(Multiply(Add(s, s), x_part));
  point.y = Multiply(u1, y_part);
  point.z = kOne;
  point.t = Multiply(point.x, point.y);
  if (!inverse.square || IsNegative(point.t) || IsZero(point.y)) return std::nullopt;
  return point;
}

std::array<std::uint8_t, 32> EncodeRistretto(Point const& p) {
  auto const u1 = Multiply(Add(p.z, p.y), Subtract(p.z, p.y));
  auto const u2 = Multiply(p.x, p.y);
  auto const inverse = SquareRootOfRatio(kOne, Multiply(u1, Square(u2))).value;
  auto const first = Multiply(inverse, u1);
  auto const second = Multiply(inverse, u2);
  auto const z_inverse = Multiply(Multiply(first, second), p.t);
  bool const rotate = IsNegative(Multiply(p.t, z_inverse));
  auto const x = rotate ? Multiply(p.y, RootOfMinusOne()) : p.x;
  auto y = rotate ? Multiply(p.x, RootOfMinusOne()) : p.y;
  auto const denominator = rotate ? Multiply(first, InverseRoot()) : second;
  if (IsNegative(Multiply(x, z_inverse))) y = Negate(y);
  return ToBytes(Absolute(Multiply(denominator, Subtract(p.z, y))));
}

}  // namespace trellis::crypto::curve
