#include "kernel/crypto/ristretto.hpp"

#include <algorithm>
#include <vector>

namespace trellis::crypto::curve {
namespace {

/// d of the curve, 2 d, and 1 / sqrt(-1 - d).
struct Constants {
  Field d;
  Field twice_d;
  Field inverse_root;
};

Constants const& Curve() {
  static Constants const constants = [] {
    Constants made;
    Field const numerator{{121665, 0, 0, 0, 0}};
    Field const denominator{{121666, 0, 0, 0, 0}};
    made.d = Negate(Multiply(numerator, Invert(denominator)));
    made.twice_d = Add(made.d, made.d);
    made.inverse_root = SquareRootOfRatio(kOne, Subtract(Negate(kOne), made.d)).value;
    return made;
  }();
  return constants;
}

/// The result of one step before its four products are made: ((X : Z), (Y : T)).
struct Completed {
  Field x;
  Field y;
  Field z;
  Field t;
};
/// What a point is kept as when it is added often.
struct Addend {
  Field y_plus_x;
  Field y_minus_x;
  Field z;
  Field t2d;
};
/// Without T, which doubling does not need.
struct Projective {
  Field x;
  Field y;
  Field z;
};

Projective ToProjective(Completed const& p) {
  return {Multiply(p.x, p.t), Multiply(p.y, p.z), Multiply(p.z, p.t)};
}
Point ToPoint(Completed const& p) {
  return {Multiply(p.x, p.t), Multiply(p.y, p.z), Multiply(p.z, p.t), Multiply(p.x, p.y)};
}
Addend ToAddend(Point const& p) {
  return {Add(p.y, p.x), Subtract(p.y, p.x), p.z, Multiply(p.t, Curve().twice_d)};
}

Completed Double(Projective const& p) {
  auto const xx = Square(p.x);
  auto const yy = Square(p.y);
  auto const zz = Square(p.z);
  auto const sum = AddLoose(yy, xx);
  auto const difference = Subtract(yy, xx);
  return {SubtractLoose(Square(AddLoose(p.x, p.y)), sum), sum, difference,
          SubtractLoose(AddLoose(zz, zz), difference)};
}

/// `plus` and `minus` change places to subtract.
Completed Combine(Point const& p, Addend const& q, bool subtract) {
  auto const a = Multiply(SubtractLoose(p.y, p.x), subtract ? q.y_plus_x : q.y_minus_x);
  auto const b = Multiply(AddLoose(p.y, p.x), subtract ? q.y_minus_x : q.y_plus_x);
  auto const c = Multiply(q.t2d, p.t);
  auto const zz = Multiply(p.z, q.z);
  auto const d = AddLoose(zz, zz);
  auto const plus = AddLoose(d, c);
  auto const minus = SubtractLoose(d, c);
  return {SubtractLoose(b, a), AddLoose(b, a), subtract ? minus : plus, subtract ? plus : minus};
}

/// P, 3 P, 5 P … `count` of them.
std::vector<Addend> OddMultiples(Point const& point, std::size_t count) {
  std::vector<Addend> table;
  table.reserve(count);
  table.push_back(ToAddend(point));
  auto const twice = ToAddend(ToPoint(Double({point.x, point.y, point.z})));
  auto multiple = point;
  while (table.size() < count) {
    multiple = ToPoint(Combine(multiple, twice, /*subtract=*/false));
    table.push_back(ToAddend(multiple));
  }
  return table;
}

constexpr unsigned kBaseWidth = 8;   // its table is made once
constexpr unsigned kPointWidth = 5;  // this one for every signature

Point const& Base() {
  static Point const base = [] {
    // The point with y = 4/5 and even x.
    Field const four{{4, 0, 0, 0, 0}};
    Field const five{{5, 0, 0, 0, 0}};
    Point made;
    made.y = Multiply(four, Invert(five));
    auto const yy = Square(made.y);
    made.x = SquareRootOfRatio(Subtract(yy, kOne), Add(Multiply(Curve().d, yy), kOne)).value;
    made.z = kOne;
    made.t = Multiply(made.x, made.y);
    return made;
  }();
  return base;
}

std::vector<Addend> const& BaseTable() {
  static auto const table = OddMultiples(Base(), std::size_t{1} << (kBaseWidth - 2));
  return table;
}

using Digits = std::array<std::int8_t, 257>;

/// Signed odd digits with at least `width` - 1 zeros between any two.
Digits ToDigits(std::span<std::uint8_t const, 32> scalar, unsigned width) {
  Digits digits{};
  auto const bit = [&](std::size_t i) -> int {
    return i < 256 ? (scalar[i / 8] >> (i % 8)) & 1 : 0;
  };
  int carry = 0;
  int const size = 1 << width;
  for (std::size_t i = 0; i < 257;) {
    if (((bit(i) + carry) & 1) == 0) {  // a carry over a set bit goes on
      carry = bit(i) + carry > 1 ? 1 : 0;
      ++i;
      continue;
    }
    int window = carry;
    for (unsigned k = 0; k < width; ++k)
      window += bit(i + k) << k;
    carry = window > size / 2 ? 1 : 0;
    digits[i] = static_cast<std::int8_t>(carry != 0 ? window - size : window);
    i += width;
  }
  return digits;
}

/// Adds the digit's multiple to what is not yet multiplied out.
Completed AddDigit(Completed const& sum, std::vector<Addend> const& table, int digit) {
  auto const magnitude = static_cast<std::size_t>(digit < 0 ? -digit : digit);
  return Combine(ToPoint(sum), table[magnitude / 2], digit < 0);
}

}  // namespace

Point CombineWithBase(std::span<std::uint8_t const, 32> s, std::span<std::uint8_t const, 32> k,
                      Point const& point) {
  auto const base_digits = ToDigits(s, kBaseWidth);
  auto const point_digits = ToDigits(k, kPointWidth);
  auto const multiples = OddMultiples(point, std::size_t{1} << (kPointWidth - 2));
  Completed sum{kZero, kOne, kOne, kOne};
  for (std::size_t i = base_digits.size(); i-- > 0;) {
    sum = Double(ToProjective(sum));
    if (point_digits[i] != 0) sum = AddDigit(sum, multiples, -point_digits[i]);
    if (base_digits[i] != 0) sum = AddDigit(sum, BaseTable(), base_digits[i]);
  }
  return ToPoint(sum);
}

std::optional<Point> Decode(std::span<std::uint8_t const, 32> bytes) {
  auto const s = FromBytes(bytes);
  auto const canonical = ToBytes(s);
  bool const good = std::equal(canonical.begin(), canonical.end(), bytes.begin()) && !IsNegative(s);
  if (!good) return std::nullopt;
  auto const ss = Square(s);
  auto const u1 = Subtract(kOne, ss);
  auto const u2 = Add(kOne, ss);
  auto const u2u2 = Square(u2);
  auto const v = Subtract(Negate(Multiply(Curve().d, Square(u1))), u2u2);
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

std::array<std::uint8_t, 32> Encode(Point const& p) {
  auto const u1 = Multiply(Add(p.z, p.y), Subtract(p.z, p.y));
  auto const u2 = Multiply(p.x, p.y);
  auto const inverse = SquareRootOfRatio(kOne, Multiply(u1, Square(u2))).value;
  auto const first = Multiply(inverse, u1);
  auto const second = Multiply(inverse, u2);
  auto const z_inverse = Multiply(Multiply(first, second), p.t);
  bool const rotate = IsNegative(Multiply(p.t, z_inverse));
  auto const x = rotate ? Multiply(p.y, RootOfMinusOne()) : p.x;
  auto y = rotate ? Multiply(p.x, RootOfMinusOne()) : p.y;
  auto const denominator = rotate ? Multiply(first, Curve().inverse_root) : second;
  if (IsNegative(Multiply(x, z_inverse))) y = Negate(y);
  return ToBytes(Absolute(Multiply(denominator, Subtract(p.z, y))));
}

}  // namespace trellis::crypto::curve
