// JSON <-> described structs, by the rules the grid's Go clients expect.
//
// Decoding: missing key = default; null = untouched (lists, maps, optionals, addresses and hex:
// empty); unknown keys ignored; a key matches exactly first, then without regard to ASCII case;
// members are taken in text order, so the last duplicate wins; integers are range-checked and 1.0
// is not an integer. Encoding: members in declaration order, every member present but empty
// optionals.
//
// A member whose key is a C++ keyword carries an underscore: `public_` is the key `public`.
// A type with `static Result<T> Parse(std::string_view)` and `std::string ToString() const` travels
// as text. A type with `static Result<void> FromJson(T&, boost::json::value const&)` and
// `boost::json::value ToJson() const` does as it likes; so does one with `static Result<void>
// FromRaw(T&, std::string_view)` and a `ToRaw() const` that gives text,
// on the JSON text itself.
// Thread-safe: no state.
#pragma once

#include <trellis/detail/json_decode.hpp>
#include <trellis/detail/json_encode.hpp>
#include <trellis/result.hpp>

#include <string>
#include <string_view>

namespace trellis::json {

/// An object of no members: requests and replies without content.
struct Nothing {};
BOOST_DESCRIBE_STRUCT(Nothing, (), ())

/// Decodes into `out`; members that the JSON does not name keep their value. kDecode with the path
/// in front: `network: interfaces: ip: expected string, got number`.
template <class T>
Result<void> Decode(Value const& value, T& out) {
  detail::TreeReader reader(value);
  return detail::DecodeFrom(reader, out);
}

/// The same from one JSON text: UTF-8, at most kMaxBytes, depth <= kMaxDepth. On failure `out` may
/// be half filled.
template <class T>
Result<void> ParseInto(std::string_view text, T& out) {
  if (text.size() > kMaxBytes)
    return Fail(Code::kDecode, "json text of {} bytes is above {}", text.size(), kMaxBytes);
  detail::TextReader reader(text);
  TRELLIS_CHECK(detail::DecodeFrom(reader, out));
  return reader.Finish();
}

/// Parses and decodes. kDecode.
template <class T>
Result<T> Parse(std::string_view text) {
  T out{};
  TRELLIS_CHECK(ParseInto(text, out));
  return out;
}

/// As Parse, for texts that must be an object: null is refused too.
template <class T>
Result<T> ParseObject(std::string_view text) {
  detail::TextReader first(text);
  TRELLIS_TRY(auto const kind, first.Peek());
  if (kind != Kind::kObject) return detail::Expected("object", kind);
  return Parse<T>(text);
}

/// Parses one JSON text into a tree, within the same limits. kDecode with the position.
inline Result<Value> ParseValue(std::string_view text) {
  if (text.size() > kMaxBytes)
    return Fail(Code::kDecode, "json text of {} bytes is above {}", text.size(), kMaxBytes);
  return detail::ParseTree(text);
}

/// Checks that the text is one JSON value, within the same limits, and says of which kind.
inline Result<Kind> Check(std::string_view text) {
  if (text.size() > kMaxBytes)
    return Fail(Code::kDecode, "json text of {} bytes is above {}", text.size(), kMaxBytes);
  detail::TextReader reader(text);
  TRELLIS_TRY(auto const kind, reader.Peek());
  TRELLIS_CHECK(reader.Skip());
  TRELLIS_CHECK(reader.Finish());
  return kind;
}

/// A JSON value kept as the text it came in: key order, spaces, repeated keys and big integers
/// survive. Empty when the value was null or missing.
struct Raw {
  std::string text;

  /// The text, `null` when empty.
  [[nodiscard]] std::string_view OrNull() const {
    return text.empty() ? std::string_view("null") : std::string_view(text);
  }
  [[nodiscard]] bool IsObject() const { return text.starts_with('{'); }
  /// What it holds. kDecode.
  template <class T>
  [[nodiscard]] Result<T> As() const {
    return Parse<T>(OrNull());
  }

  static Result<void> FromRaw(Raw& out, std::string_view value) {
    out.text = value == "null" ? std::string_view() : value;
    return {};
  }
  [[nodiscard]] std::string_view ToRaw() const { return OrNull(); }
  bool operator==(Raw const&) const = default;
};

/// The JSON tree of `value`.
template <class T>
Value Encode(T const& value) {
  return detail::TreeFrom(value);
}

/// Compact JSON text.
template <class T>
std::string Dump(T const& value) {
  std::string out;
  detail::WriteTo(out, value);
  return out;
}

}  // namespace trellis::json
