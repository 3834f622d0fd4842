#include "kernel/crypto/edwards25519.hpp"

#include <algorithm>

namespace trellis::crypto::curve {
namespace {

Field const& TwiceD() {
  static Field const twice = Add(CurveD(), CurveD());
  return twice;
}

/// The result of one step before its products are made: ((X : Z), (Y : T)).
struct Completed {
  Field x;
  Field y;
  Field z;
  Field t;
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
Projective ToProjective(Point const& p) {
  return {p.x, p.y, p.z};
}
Addend ToAddend(Point const& p) {
  return {Add(p.y, p.x), Subtract(p.y, p.x), p.z, Multiply(p.t, TwiceD())};
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

enum class Sign : std::uint8_t { kPlus, kMinus };

Completed AddTo(Point const& p, Addend const& q, Sign sign) {
  bool const minus = sign == Sign::kMinus;
  auto const a = Multiply(SubtractLoose(p.y, p.x), minus ? q.y_plus_x : q.y_minus_x);
  auto const b = Multiply(AddLoose(p.y, p.x), minus ? q.y_minus_x : q.y_plus_x);
  auto const c = Multiply(q.t2d, p.t);
  auto const zz = Multiply(p.z, q.z);
  auto const d = AddLoose(zz, zz);
  auto const more = AddLoose(d, c);
  auto const less = SubtractLoose(d, c);
  return {SubtractLoose(b, a), AddLoose(b, a), minus ? less : more, minus ? more : less};
}

Point DoubleTimes(Point const& point, int times) {
  auto projective = ToProjective(point);
  for (int i = 1; i < times; ++i)
    projective = ToProjective(Double(projective));
  return ToPoint(Double(projective));
}

constexpr unsigned kBaseWidth = 8;
constexpr int kHalfBits = 128;
constexpr std::size_t kHalfBytes = 16;
constexpr std::size_t kMaxDigits = 257;

Point BasePoint() {  // y = 4/5 and x even
  Field const four{{4, 0, 0, 0, 0}};
  Field const five{{5, 0, 0, 0, 0}};
  Point base;
  base.y = Multiply(four, Invert(five));
  auto const yy = Square(base.y);
  base.x = SquareRootOfRatio(Subtract(yy, kOne), Add(Multiply(CurveD(), yy), kOne)).value;
  base.z = kOne;
  base.t = Multiply(base.x, base.y);
  return base;
}

/// One multiple of a sum: signed odd digits, at least width - 1 zeros between any two.
struct Term {
  std::array<std::int8_t, kMaxDigits> digits{};
  Table const* table = nullptr;  // borrowed
};

Term MakeTerm(std::span<std::uint8_t const> scalar, Table const& table) {
  Term term;
  term.table = &table;
  std::size_t const bits = 8 * scalar.size();
  auto const bit = [&](std::size_t i) -> int {
    return i < bits ? (scalar[i / 8] >> (i % 8)) & 1 : 0;
  };
  int const size = 1 << table.width;
  int carry = 0;
  for (std::size_t i = 0; i <= bits;) {
    int const sum = bit(i) + carry;
    if ((sum & 1) == 0) {
      carry = sum / 2;
      ++i;
      continue;
    }
    int window = carry;
    for (unsigned k = 0; k < table.width; ++k)
      window += bit(i + k) << k;
    carry = window > size / 2 ? 1 : 0;
    term.digits[i] = static_cast<std::int8_t>(carry != 0 ? window - size : window);
    i += table.width;
  }
  return term;
}

Point Sum(std::span<Term const> terms, std::size_t digits) {
  Completed sum{kZero, kOne, kOne, kOne};
  for (std::size_t i = digits; i-- > 0;) {
    sum = Double(ToProjective(sum));
    for (auto const& term : terms) {
      int const digit = term.digits[i];
      if (digit == 0) continue;
      auto const size = static_cast<std::size_t>(digit < 0 ? -digit : digit);
      sum = AddTo(ToPoint(sum), term.table->multiples[size / 2],
                  digit < 0 ? Sign::kMinus : Sign::kPlus);
    }
  }
  return ToPoint(sum);
}

}  // namespace

Field const& CurveD() {
  static Field const d = [] {
    Field const numerator{{121665, 0, 0, 0, 0}};
    Field const denominator{{121666, 0, 0, 0, 0}};
    return Negate(Multiply(numerator, Invert(denominator)));
  }();
  return d;
}

Table MakeTable(Point const& point, unsigned width) {
  Table table{width, {}};
  std::size_t const count = std::size_t{1} << (width - 2);
  table.multiples.reserve(count);
  table.multiples.push_back(ToAddend(point));
  auto const twice = ToAddend(ToPoint(Double(ToProjective(point))));
  auto multiple = point;
  while (table.multiples.size() < count) {
    multiple = ToPoint(AddTo(multiple, twice, Sign::kPlus));
    table.multiples.push_back(ToAddend(multiple));
  }
  return table;
}

SplitTable MakeSplitTable(Point const& point, unsigned width) {
  return {MakeTable(point, width), MakeTable(DoubleTimes(point, kHalfBits), width)};
}

SplitTable const& BaseTable() {
  static auto const table = MakeSplitTable(BasePoint(), kBaseWidth);
  return table;
}

Point CombineWithBase(std::span<std::uint8_t const, 32> s, std::span<std::uint8_t const, 32> k,
                      SplitTable const& table) {
  std::array const terms{MakeTerm(k.first<kHalfBytes>(), table.low),
                         MakeTerm(k.last<kHalfBytes>(), table.high),
                         MakeTerm(s.first<kHalfBytes>(), BaseTable().low),
                         MakeTerm(s.last<kHalfBytes>(), BaseTable().high)};
  return Sum(terms, kHalfBits + 1);
}

Point CombineWithBase(std::span<std::uint8_t const, 32> s, std::span<std::uint8_t const, 32> k,
                      Table const& table) {
  std::array const terms{MakeTerm(k, table), MakeTerm(s, BaseTable().low)};
  return Sum(terms, kMaxDigits);
}

Point Negate(Point const& p) {
  return {Negate(p.x), p.y, p.z, Negate(p.t)};
}

bool HasSmallOrder(Point const& point) {
  constexpr int kCofactorBits = 3;
  auto const eight = DoubleTimes(point, kCofactorBits);
  return IsZero(eight.x) && IsZero(Subtract(eight.y, eight.z));
}

std::optional<Point> DecodeEdwards(std::span<std::uint8_t const, 32> bytes) {
  std::array<std::uint8_t, 32> only_y{};
  std::copy(bytes.begin(), bytes.end(), only_y.begin());
  only_y[31] &= 0x7f;
  bool const odd = (bytes[31] & 0x80U) != 0;
  Point point;
  point.y = FromBytes(only_y);
  if (ToBytes(point.y) != only_y) return std::nullopt;
  auto const yy = Square(point.y);
  auto const root = SquareRootOfRatio(Subtract(yy, kOne), Add(Multiply(CurveD(), yy), kOne));
  if (!root.square) return std::nullopt;
  point.x = odd ? Negate(root.value) : root.value;
  point.z = kOne;
  point.t = Multiply(point.x, point.y);
  return point;
}

std::array<std::uint8_t, 32> EncodeEdwards(Point const& point) {
  auto const inverse = Invert(point.z);
  auto bytes = ToBytes(Multiply(point.y, inverse));
  if (IsNegative(Multiply(point.x, inverse))) bytes[31] |= 0x80;
  return bytes;
}

}  // namespace trellis::crypto::curve
