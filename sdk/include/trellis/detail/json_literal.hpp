// The small pieces of JSON text: kinds, literals of numbers, characters of strings. Not for
// authors; use <trellis/json.hpp>.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

namespace trellis::json {

/// What a value is.
enum class Kind : std::uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };

inline std::string_view ToText(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return "bool";
    case Kind::kNumber:
      return "number";
    case Kind::kString:
      return "string";
    case Kind::kArray:
      return "array";
    case Kind::kObject:
      return "object";
  }
  return "value";
}

namespace detail {

inline constexpr std::uint64_t kOnes = 0x0101010101010101;
inline constexpr std::uint64_t kHighBits = 0x8080808080808080;

/// Of the eight bytes those that a JSON string cannot hold as they are: their highest bit is set.
/// The lowest such bit is exact, what lies above it may be a borrow.
inline std::uint64_t MarkSpecial(std::uint64_t word) {
  auto const mark_zero = [](std::uint64_t w) { return (w - kOnes) & ~w & kHighBits; };
  auto const control = (word - kOnes * 0x20) & ~word & kHighBits;
  return control | mark_zero(word ^ (kOnes * '"')) | mark_zero(word ^ (kOnes * '\\'));
}

/// Eight bytes, the first one lowest (the ABI is of little-endian machines).
inline std::uint64_t LoadWord(char const* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

/// Where the first byte from `at` on lies that needs an escape; the text's size: nowhere.
inline std::size_t FindSpecial(std::string_view text, std::size_t at) {
  for (; at + sizeof(std::uint64_t) <= text.size(); at += sizeof(std::uint64_t)) {
    if (auto const marks = MarkSpecial(LoadWord(text.data() + at)); marks != 0)
      return at + static_cast<std::size_t>(std::countr_zero(marks)) / 8;
  }
  for (; at < text.size(); ++at) {
    auto const byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20 || byte == '"' || byte == '\\') break;
  }
  return at;
}

}  // namespace detail

/// Appends `text` as a JSON string. `text` is UTF-8.
inline void AppendQuoted(std::string& out, std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  static constexpr std::array<char, 6> kShort = {'b', 't', 'n', 0, 'f', 'r'};  // from 0x08 on
  out.push_back('"');
  std::size_t begin = 0;
  for (auto i = detail::FindSpecial(text, 0); i < text.size();
       i = detail::FindSpecial(text, begin)) {
    auto const byte = static_cast<unsigned char>(text[i]);
    out.append(text.substr(begin, i - begin));
    begin = i + 1;
    out.push_back('\\');
    if (byte >= 0x20) {
      out.push_back(text[i]);
    } else if (byte >= 0x08 && byte <= 0x0d && byte != 0x0b) {
      out.push_back(kShort[byte - 0x08U]);
    } else {
      out.append("u00");
      out.push_back(kHex[byte >> 4U]);
      out.push_back(kHex[byte & 15U]);
    }
  }
  out.append(text.substr(begin));
  out.push_back('"');
}

namespace detail {

inline bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
inline bool IsSpace(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/// Integers of no more digits fit into a double's range.
inline constexpr std::size_t kDigitsOfADouble = 300;

/// Whether the number is 1 or more, for literals outside the range of a double.
inline bool IsLarge(std::string_view number) {
  auto const mark = number.find_first_of("eE");
  auto const mantissa = number.substr(0, mark);
  auto const point = std::min(mantissa.find('.'), mantissa.size());
  auto const first = mantissa.find_first_of("123456789");
  if (first == std::string_view::npos) return false;
  auto magnitude = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
  if (first > point) ++magnitude;  // the point itself is no digit
  if (mark == std::string_view::npos) return magnitude > 0;
  auto digits = number.substr(mark + 1);
  bool const negative = digits.front() == '-';
  if (negative || digits.front() == '+') digits.remove_prefix(1);
  constexpr std::int64_t kBeyondAnyText = std::int64_t{1} << 40;
  std::int64_t exponent = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), exponent).ec != std::errc() ||
      exponent > kBeyondAnyText)
    exponent = kBeyondAnyText;
  return magnitude + (negative ? -exponent : exponent) > 0;
}

/// The value of a number's literal; false when no double is so large. What is too small becomes 0.
inline bool ToDouble(std::string_view number, double& out) {
  out = 0;
  auto const done = std::from_chars(number.data(), number.data() + number.size(), out);
  return done.ec != std::errc::result_out_of_range || !IsLarge(number);
}

/// The literal of a number, taken apart as far as decoding needs.
struct NumberText {
  std::string_view text;
  bool integer = false;  ///< neither fraction nor exponent
};

/// Appends the character with the code point `code`.
inline void AppendUtf8(std::string& out, std::uint32_t code) {
  auto const put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | (code >> 6U));
    put(0x80 | (code & 0x3fU));
  } else if (code < 0x10000) {
    put(0xe0 | (code >> 12U));
    put(0x80 | ((code >> 6U) & 0x3fU));
    put(0x80 | (code & 0x3fU));
  } else {
    put(0xf0 | (code >> 18U));
    put(0x80 | ((code >> 12U) & 0x3fU));
    put(0x80 | ((code >> 6U) & 0x3fU));
    put(0x80 | (code & 0x3fU));
  }
}

}  // namespace detail

}  // namespace trellis::json
