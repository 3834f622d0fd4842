#include "kernel/crypto/field25519.hpp"

#include <cstring>

namespace trellis::crypto::curve {
namespace {

Field SquareTimes(Field a, int times) {
  for (int i = 0; i < times; ++i)
    a = Square(a);
  return a;
}

/// a^(2^250 - 1) and a^11, from which both long powers are one step away.
struct Tower {
  Field upto250;
  Field eleventh;
};

Tower Climb(Field const& a) {
  Tower tower;
  auto const ninth = Multiply(a, SquareTimes(a, 3));
  tower.eleventh = Multiply(ninth, Square(a));
  auto const upto5 = Multiply(ninth, Square(tower.eleventh));  // 2^5 - 1, and so on
  auto const upto10 = Multiply(SquareTimes(upto5, 5), upto5);
  auto const upto20 = Multiply(SquareTimes(upto10, 10), upto10);
  auto const upto40 = Multiply(SquareTimes(upto20, 20), upto20);
  auto const upto50 = Multiply(SquareTimes(upto40, 10), upto10);
  auto const upto100 = Multiply(SquareTimes(upto50, 50), upto50);
  auto const upto200 = Multiply(SquareTimes(upto100, 100), upto100);
  tower.upto250 = Multiply(SquareTimes(upto200, 50), upto50);
  return tower;
}

std::uint64_t Load(std::span<std::uint8_t const, 32> bytes, std::size_t at) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data() + at, sizeof word);
  return word;
}

}  // namespace

Field FromBytes(std::span<std::uint8_t const, 32> bytes) {
  using detail::kMask;
  return {{Load(bytes, 0) & kMask, (Load(bytes, 6) >> 3U) & kMask, (Load(bytes, 12) >> 6U) & kMask,
           (Load(bytes, 19) >> 1U) & kMask, (Load(bytes, 24) >> 12U) & kMask}};
}

std::array<std::uint8_t, 32> ToBytes(Field const& a) {
  using detail::kBits;
  using detail::kMask;
  auto x = Tighten(Tighten(a)).limb;
  // At most one p is too much: adding 19 overflows bit 255 exactly then.
  std::uint64_t over = (x[0] + 19) >> kBits;
  for (std::size_t i = 1; i < 5; ++i)
    over = (x[i] + over) >> kBits;
  x[0] += 19 * over;
  for (std::size_t i = 0; i < 4; ++i) {
    x[i + 1] += x[i] >> kBits;
    x[i] &= kMask;
  }
  x[4] &= kMask;
  std::array<std::uint64_t, 4> const words{x[0] | x[1] << 51U, x[1] >> 13U | x[2] << 38U,
                                           x[2] >> 26U | x[3] << 25U, x[3] >> 39U | x[4] << 12U};
  std::array<std::uint8_t, 32> bytes{};
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

bool IsZero(Field const& a) {
  return ToBytes(a) == std::array<std::uint8_t, 32>{};
}

bool IsNegative(Field const& a) {
  return (ToBytes(a)[0] & 1U) != 0;
}

Field PowerP58(Field const& a) {
  return Multiply(SquareTimes(Climb(a).upto250, 2), a);
}

Field Invert(Field const& a) {
  auto const tower = Climb(a);
  return Multiply(SquareTimes(tower.upto250, 5), tower.eleventh);
}

Field const& RootOfMinusOne() {
  // 2 is no square, so 2^((p - 1) / 4) is a root of -1; (p - 1) / 4 = 2 (p - 5) / 8 + 1.
  static Field const root = [] {
    Field const two{{2, 0, 0, 0, 0}};
    return Absolute(Multiply(Square(PowerP58(two)), two));
  }();
  return root;
}

Root SquareRootOfRatio(Field const& u, Field const& v) {
  auto const v3 = Multiply(Square(v), v);
  auto const v7 = Multiply(Square(v3), v);
  auto root = Multiply(Multiply(u, v3), PowerP58(Multiply(u, v7)));
  auto const check = Multiply(v, Square(root));
  auto const minus_u = Negate(u);
  bool const right = IsZero(Subtract(check, u));
  bool const flipped = IsZero(Subtract(check, minus_u));
  bool const flipped_i = IsZero(Subtract(check, Multiply(minus_u, RootOfMinusOne())));
  if (flipped || flipped_i) root = Multiply(root, RootOfMinusOne());
  return {right || flipped, Absolute(root)};
}

}  // namespace trellis::crypto::curve
