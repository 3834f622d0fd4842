// Numbers modulo 2^255 - 19 as five limbs of 51 bits. In variable time where that is quicker: for
// public values only. Internal to kernel/crypto.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace trellis::crypto::curve {

/// Limbs are below 2^52 ("tight") after every function but those named loose; those stay below
/// 2^54, which Multiply and Square accept.
struct Field {
  std::array<std::uint64_t, 5> limb{};
};

inline constexpr Field kZero{};
inline constexpr Field kOne{{1, 0, 0, 0, 0}};

namespace detail {
__extension__ using Wide = unsigned __int128;
inline constexpr std::uint64_t kMask = (std::uint64_t{1} << 51U) - 1;
inline constexpr unsigned kBits = 51;

inline Wide Product(std::uint64_t a, std::uint64_t b) {
  return static_cast<Wide>(a) * b;
}

/// Sums of products back to tight limbs.
inline Field Fold(Wide r0, Wide r1, Wide r2, Wide r3, Wide r4) {
  Field out;
  r1 += static_cast<std::uint64_t>(r0 >> kBits);
  out.limb[0] = static_cast<std::uint64_t>(r0) & kMask;
  r2 += static_cast<std::uint64_t>(r1 >> kBits);
  out.limb[1] = static_cast<std::uint64_t>(r1) & kMask;
  r3 += static_cast<std::uint64_t>(r2 >> kBits);
  out.limb[2] = static_cast<std::uint64_t>(r2) & kMask;
  r4 += static_cast<std::uint64_t>(r3 >> kBits);
  out.limb[3] = static_cast<std::uint64_t>(r3) & kMask;
  out.limb[4] = static_cast<std::uint64_t>(r4) & kMask;
  out.limb[0] += static_cast<std::uint64_t>(r4 >> kBits) * 19;
  out.limb[1] += out.limb[0] >> kBits;
  out.limb[0] &= kMask;
  return out;
}
}  // namespace detail

/// Of two tight numbers; fit for everything but a subtraction from.
inline Field AddLoose(Field const& a, Field const& b) {
  return {{a.limb[0] + b.limb[0], a.limb[1] + b.limb[1], a.limb[2] + b.limb[2],
           a.limb[3] + b.limb[3], a.limb[4] + b.limb[4]}};
}

/// `a` and `b` below 2^53.
inline Field SubtractLoose(Field const& a, Field const& b) {
  constexpr std::uint64_t kFirst = (std::uint64_t{1} << 53U) - 76;  // limbs of 4 p
  constexpr std::uint64_t kOther = (std::uint64_t{1} << 53U) - 4;
  return {{a.limb[0] + kFirst - b.limb[0], a.limb[1] + kOther - b.limb[1],
           a.limb[2] + kOther - b.limb[2], a.limb[3] + kOther - b.limb[3],
           a.limb[4] + kOther - b.limb[4]}};
}

inline Field Tighten(Field a) {
  using detail::kBits;
  using detail::kMask;
  for (std::size_t i = 0; i < 4; ++i) {
    a.limb[i + 1] += a.limb[i] >> kBits;
    a.limb[i] &= kMask;
  }
  a.limb[0] += (a.limb[4] >> kBits) * 19;
  a.limb[4] &= kMask;
  return a;
}

inline Field Add(Field const& a, Field const& b) {
  return Tighten(AddLoose(a, b));
}
inline Field Subtract(Field const& a, Field const& b) {
  return Tighten(SubtractLoose(a, b));
}
inline Field Negate(Field const& a) {
  return Subtract(kZero, a);
}

inline Field Multiply(Field const& x, Field const& y) {
  using detail::Product;
  auto const& a = x.limb;
  auto const& b = y.limb;
  // 2^255 is 19: what overflows comes back at the low end 19 times.
  std::uint64_t const b1 = b[1] * 19;
  std::uint64_t const b2 = b[2] * 19;
  std::uint64_t const b3 = b[3] * 19;
  std::uint64_t const b4 = b[4] * 19;
  return detail::Fold(Product(a[0], b[0]) + Product(a[1], b4) + Product(a[2], b3) +
                          Product(a[3], b2) + Product(a[4], b1),
                      Product(a[0], b[1]) + Product(a[1], b[0]) + Product(a[2], b4) +
                          Product(a[3], b3) + Product(a[4], b2),
                      Product(a[0], b[2]) + Product(a[1], b[1]) + Product(a[2], b[0]) +
                          Product(a[3], b4) + Product(a[4], b3),
                      Product(a[0], b[3]) + Product(a[1], b[2]) + Product(a[2], b[1]) +
                          Product(a[3], b[0]) + Product(a[4], b4),
                      Product(a[0], b[4]) + Product(a[1], b[3]) + Product(a[2], b[2]) +
                          Product(a[3], b[1]) + Product(a[4], b[0]));
}

inline Field Square(Field const& x) {
  using detail::Product;
  auto const& a = x.limb;
  std::uint64_t const twice0 = a[0] * 2;
  std::uint64_t const twice1 = a[1] * 2;
  std::uint64_t const back3 = a[3] * 19;
  std::uint64_t const back4 = a[4] * 19;
  return detail::Fold(Product(a[0], a[0]) + Product(twice1, back4) + Product(a[2] * 2, back3),
                      Product(twice0, a[1]) + Product(a[2] * 2, back4) + Product(a[3], back3),
                      Product(twice0, a[2]) + Product(a[1], a[1]) + Product(a[3] * 2, back4),
                      Product(twice0, a[3]) + Product(twice1, a[2]) + Product(a[4], back4),
                      Product(twice0, a[4]) + Product(twice1, a[3]) + Product(a[2], a[2]));
}

/// From 32 little-endian bytes; the top bit is ignored.
Field FromBytes(std::span<std::uint8_t const, 32> bytes);
/// The one smallest representation.
std::array<std::uint8_t, 32> ToBytes(Field const& a);

bool IsZero(Field const& a);
/// Odd, as the curve's people call negative.
bool IsNegative(Field const& a);
inline Field Absolute(Field const& a) {
  return IsNegative(a) ? Negate(a) : a;
}

/// a^((p - 5) / 8).
Field PowerP58(Field const& a);
Field Invert(Field const& a);

/// The non-negative square root of u / v where there is one, else of u / v times the root of -1.
struct Root {
  bool square = false;
  Field value;
};
Root SquareRootOfRatio(Field const& u, Field const& v);
/// The root of -1 that is even.
Field const& RootOfMinusOne();

}  // namespace trellis::crypto::curve
