// What kinds of C++ types travel as JSON, and how. Not for authors; use <trellis/json.hpp>.
#pragma once

#include <trellis/detail/json_text.hpp>
#include <trellis/result.hpp>

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/mp11.hpp>

#include <charconv>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace trellis::json {

using Value = boost::json::value;

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
template <class T>
concept RawType = requires(T& out, T const& value, std::string_view text) {
  { T::FromRaw(out, text) } -> std::same_as<Result<void>>;
  { value.ToRaw() } -> std::convertible_to<std::string_view>;
};

namespace detail {

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

template <class T>
using Members = boost::describe::describe_members<T, boost::describe::mod_public |
                                                         boost::describe::mod_inherited>;

/// The key that a member's name stands for: C++ keywords carry an underscore behind them.
constexpr std::string_view KeyOf(std::string_view member) {
  return member.ends_with('_') ? member.substr(0, member.size() - 1) : member;
}

inline Value NumberOf(NumberText const& number) {
  auto const* const end = number.text.data() + number.text.size();
  std::int64_t small = 0;
  std::uint64_t large = 0;
  if (number.integer) {
    if (std::from_chars(number.text.data(), end, small).ec == std::errc()) return small;
    if (std::from_chars(number.text.data(), end, large).ec == std::errc()) return large;
  }
  double value = 0;
  (void)ToDouble(number.text, value);  // its range was looked at when it was read
  return value;
}

/// Takes the next value as a tree. Of members with one key the last one stays.
inline Result<Value> TreeOf(TextReader& in) {
  TRELLIS_TRY(auto const kind, in.Peek());
  std::string scratch;
  switch (kind) {
    case Kind::kNull:
      TRELLIS_CHECK(in.Null());
      return Value(nullptr);
    case Kind::kBool: {
      TRELLIS_TRY(bool const flag, in.Bool());
      return Value(flag);
    }
    case Kind::kNumber: {
      TRELLIS_TRY(auto const number, in.Number());
      return NumberOf(number);
    }
    case Kind::kString: {
      TRELLIS_TRY(auto const text, in.String(scratch));
      return Value(boost::json::string(text));
    }
    case Kind::kArray: {
      boost::json::array array;
      TRELLIS_CHECK(in.Array([&]() -> Result<void> {
        TRELLIS_TRY(auto element, TreeOf(in));
        array.push_back(std::move(element));
        return {};
      }));
      return Value(std::move(array));
    }
    case Kind::kObject: {
      boost::json::object object;
      TRELLIS_CHECK(in.Object([&](std::string_view key) -> Result<void> {
        scratch.assign(key);  // the key lives only until its value is read
        auto const place = object.emplace(scratch, nullptr).first;
        TRELLIS_TRY(place->value(), TreeOf(in));
        return {};
      }));
      return Value(std::move(object));
    }
  }
  return Value(nullptr);
}

/// The tree of one JSON text. kDecode with the position.
inline Result<Value> ParseTree(std::string_view text) {
  TextReader reader(text);
  TRELLIS_TRY(auto value, TreeOf(reader));
  TRELLIS_CHECK(reader.Finish());
  return value;
}

}  // namespace detail

}  // namespace trellis::json
