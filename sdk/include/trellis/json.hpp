// JSON <-> described structs, by the rules the grid's Go clients expect.
//
// Decoding: missing key = default; null = untouched (lists, maps, optionals: empty); unknown keys
// ignored; a key matches exactly first, then without regard to ASCII case; the last duplicate wins;
// integers are range-checked and 1.0 is not an integer. Encoding: members in declaration order,
// every member present but empty optionals. A type with `static Result<T> Parse(std::string_view)`
// and `std::string ToString() const` travels as text. A type with `static Result<void> FromJson(T&,
// boost::json::value const&)` and `boost::json::value ToJson() const` does as it likes.
// Thread-safe: no state.
#pragma once

#include <trellis/result.hpp>

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/mp11.hpp>

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace trellis::json {

inline constexpr std::size_t kMaxDepth = 64;
inline constexpr std::size_t kMaxBytes = std::size_t{16} << 20;

using Value = boost::json::value;

/// An object of no members: requests and replies without content.
struct Nothing {};
BOOST_DESCRIBE_STRUCT(Nothing, (), ())

template <class T>
concept Described = boost::describe::has_describe_members<T>::value && !std::is_union_v<T>;
template <class T>
concept TextType = requires(T const& value, std::string_view text) {
  { T::Parse(text) } -> std::same_as<Result<T>>;
  { value.ToString() } -> std::convertible_to<std::string>;
};
template <class T>
concept CustomType = requires(T& out, T const& value, Value const& json) {
  { T::FromJson(out, json) } -> std::same_as<Result<void>>;
  { value.ToJson() } -> std::convertible_to<Value>;
};

namespace detail {

inline std::string_view KindName(Value const& value) {
  return boost::json::to_string(value.kind());
}

inline tl::unexpected<Error> Expected(std::string_view what, Value const& got) {
  return Fail(Code::kDecode, "expected {}, got {}", what, KindName(got));
}

inline bool EqualsFolded(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  auto const lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsMap : std::false_type {};
template <class T>
struct IsMap<std::map<std::string, T>> : std::true_type {};

template <std::integral T>
Result<void> DecodeInteger(Value const& value, T& out) {
  auto const range = [&] {
    return Fail(Code::kDecode, "number {} is out of range", boost::json::serialize(value));
  };
  if (auto const* number = value.if_int64()) {
    if (!std::in_range<T>(*number)) return range();
    out = static_cast<T>(*number);
    return {};
  }
  if (auto const* number = value.if_uint64()) {
    if (!std::in_range<T>(*number)) return range();
    out = static_cast<T>(*number);
    return {};
  }
  return Expected("integer", value);
}

}  // namespace detail

template <class T>
Result<void> Decode(Value const& value, T& out);

namespace detail {

template <class T>
Result<void> DecodeMember(std::string_view key, Value const& value, T& out) {
  using Members = boost::describe::describe_members<T, boost::describe::mod_public |
                                                           boost::describe::mod_inherited>;
  Result<void> result;
  bool found = false;
  auto const attempt = [&](auto matches) {
    boost::mp11::mp_for_each<Members>([&](auto member) {
      if (found || !matches(std::string_view(member.name))) return;
      found = true;
      if (auto done = Decode(value, out.*member.pointer); !done) {
        result = tl::unexpected<Error>(std::move(done).error().With("{}", member.name));
      }
    });
  };
  attempt([&](std::string_view name) { return name == key; });
  if (!found) attempt([&](std::string_view name) { return EqualsFolded(name, key); });
  return result;
}

template <class T>
Result<void> DecodeObject(Value const& value, T& out) {
  auto const* object = value.if_object();
  if (object == nullptr) return Expected("object", value);
  for (auto const& [key, member] : *object) {
    TRELLIS_CHECK(DecodeMember(std::string_view(key), member, out));
  }
  return {};
}

template <class T>
Result<void> DecodeList(Value const& value, std::vector<T>& out) {
  auto const* array = value.if_array();
  if (array == nullptr) return Expected("array", value);
  out.clear();
  out.reserve(array->size());
  for (auto const& element : *array) {
    T item{};
    TRELLIS_CHECK(Decode(element, item));
    out.push_back(std::move(item));
  }
  return {};
}

template <class T>
Result<void> DecodeMap(Value const& value, std::map<std::string, T>& out) {
  auto const* object = value.if_object();
  if (object == nullptr) return Expected("object", value);
  out.clear();
  for (auto const& [key, element] : *object) {
    T item{};
    if (auto done = Decode(element, item); !done)
      return tl::unexpected<Error>(std::move(done).error().With("{}", std::string_view(key)));
    out.insert_or_assign(std::string(key), std::move(item));
  }
  return {};
}

template <class T>
Result<void> DecodeText(Value const& value, T& out) {
  auto const* text = value.if_string();
  if (text == nullptr) return Expected("string", value);
  auto parsed = T::Parse(std::string_view(*text));
  if (!parsed) return tl::unexpected<Error>(std::move(parsed).error());
  out = *std::move(parsed);
  return {};
}

}  // namespace detail

/// Decodes into `out`; members that the JSON does not name keep their value. kDecode with the path
/// in front: `network: interfaces: ip: expected string, got int64`.
template <class T>
Result<void> Decode(Value const& value, T& out) {
  if constexpr (CustomType<T>) {
    return T::FromJson(out, value);
  } else if constexpr (std::same_as<T, Value>) {
    out = value;
    return {};
  } else if constexpr (detail::IsOptional<T>::value) {
    if (value.is_null()) {
      out.reset();
      return {};
    }
    typename T::value_type inner = out.has_value() ? *std::move(out) : typename T::value_type{};
    TRELLIS_CHECK(Decode(value, inner));
    out = std::move(inner);
    return {};
  } else if constexpr (detail::IsVector<T>::value || detail::IsMap<T>::value) {
    if (value.is_null()) {
      out.clear();
      return {};
    }
    if constexpr (detail::IsVector<T>::value) return detail::DecodeList(value, out);
    if constexpr (detail::IsMap<T>::value) return detail::DecodeMap(value, out);
  } else {
    if (value.is_null()) return {};
    if constexpr (std::same_as<T, bool>) {
      auto const* flag = value.if_bool();
      if (flag == nullptr) return detail::Expected("bool", value);
      out = *flag;
      return {};
    } else if constexpr (std::integral<T>) {
      return detail::DecodeInteger(value, out);
    } else if constexpr (std::floating_point<T>) {
      if (!value.is_number()) return detail::Expected("number", value);
      out = static_cast<T>(value.to_number<double>());
      return {};
    } else if constexpr (std::same_as<T, std::string>) {
      auto const* text = value.if_string();
      if (text == nullptr) return detail::Expected("string", value);
      out.assign(text->data(), text->size());
      return {};
    } else if constexpr (TextType<T>) {
      return detail::DecodeText(value, out);
    } else {
      static_assert(Described<T>, "describe the struct with BOOST_DESCRIBE_STRUCT");
      return detail::DecodeObject(value, out);
    }
  }
}

/// The JSON value of `value`.
template <class T>
Value Encode(T const& value) {
  if constexpr (CustomType<T>) {
    return value.ToJson();
  } else if constexpr (std::same_as<T, Value>) {
    return value;
  } else if constexpr (detail::IsOptional<T>::value) {
    return value.has_value() ? Encode(*value) : Value(nullptr);
  } else if constexpr (detail::IsVector<T>::value) {
    boost::json::array array;
    array.reserve(value.size());
    for (auto const& element : value)
      array.push_back(Encode(element));
    return array;
  } else if constexpr (detail::IsMap<T>::value) {
    boost::json::object object;
    object.reserve(value.size());
    for (auto const& [key, element] : value)
      object.emplace(key, Encode(element));
    return object;
  } else if constexpr (std::same_as<T, bool>) {
    return Value(value);
  } else if constexpr (std::integral<T>) {
    if constexpr (std::is_signed_v<T>) return Value(std::int64_t{value});
    return Value(static_cast<std::uint64_t>(value));
  } else if constexpr (std::floating_point<T>) {
    return Value(static_cast<double>(value));
  } else if constexpr (std::convertible_to<T const&, std::string_view>) {
    return Value(boost::json::string(std::string_view(value)));
  } else if constexpr (TextType<T>) {
    return Value(boost::json::string(std::string_view(value.ToString())));
  } else {
    static_assert(Described<T>, "describe the struct with BOOST_DESCRIBE_STRUCT");
    using Members = boost::describe::describe_members<T, boost::describe::mod_public |
                                                             boost::describe::mod_inherited>;
    boost::json::object object;
    boost::mp11::mp_for_each<Members>([&](auto member) {
      auto const& field = value.*member.pointer;
      if constexpr (detail::IsOptional<std::remove_cvref_t<decltype(field)>>::value) {
        if (!field.has_value()) return;
      }
      object.emplace(member.name, Encode(field));
    });
    return object;
  }
}

/// Parses one JSON text: UTF-8, at most kMaxBytes, depth <= kMaxDepth. kDecode with the position.
inline Result<Value> ParseValue(std::string_view text) {
  if (text.size() > kMaxBytes)
    return Fail(Code::kDecode, "json text of {} bytes is above {}", text.size(), kMaxBytes);
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::json::error_code error;
  boost::json::stream_parser parser({}, options);
  auto const used = parser.write_some(text.data(), text.size(), error);
  if (!error && used == text.size()) parser.finish(error);
  if (error) return Fail(Code::kDecode, "invalid json: {}", error.message());
  auto const rest = text.substr(used).find_first_not_of(" \t\r\n");
  if (rest != std::string_view::npos)
    return Fail(Code::kDecode, "invalid json: text after the value at byte {}", used + rest);
  if (!parser.done()) return Fail(Code::kDecode, "invalid json: incomplete");
  return parser.release();
}

/// Parses and decodes. kDecode.
template <class T>
Result<T> Parse(std::string_view text) {
  TRELLIS_TRY(auto const value, ParseValue(text));
  T out{};
  TRELLIS_CHECK(Decode(value, out));
  return out;
}

/// Compact JSON text.
template <class T>
std::string Dump(T const& value) {
  return boost::json::serialize(Encode(value));
}

}  // namespace trellis::json
