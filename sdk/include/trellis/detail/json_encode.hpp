// From C++ values to JSON, as text and as a tree. Not for authors; use <trellis/json.hpp>.
#pragma once

#include <trellis/detail/json_shape.hpp>

#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>

namespace trellis::json::detail {

template <class T>
void WriteTo(std::string& out, T const& value);

template <Described T>
void WriteObject(std::string& out, T const& value) {
  char before = '{';
  boost::mp11::mp_for_each<Members<T>>([&](auto member) {
    auto const& field = value.*member.pointer;
    if constexpr (IsOptional<std::remove_cvref_t<decltype(field)>>::value) {
      if (!field.has_value()) return;
    }
    out.push_back(before);
    before = ',';
    AppendQuoted(out, KeyOf(member.name));
    out.push_back(':');
    WriteTo(out, field);
  });
  if (before == '{') out.push_back('{');
  out.push_back('}');
}

template <class List>
void WriteList(std::string& out, List const& list) {
  out.push_back('[');
  bool first = true;
  for (auto const& element : list) {
    if (!first) out.push_back(',');
    first = false;
    WriteTo(out, element);
  }
  out.push_back(']');
}

template <class Map>
void WriteMap(std::string& out, Map const& map) {
  out.push_back('{');
  bool first = true;
  for (auto const& [key, element] : map) {
    if (!first) out.push_back(',');
    first = false;
    AppendQuoted(out, key);
    out.push_back(':');
    WriteTo(out, element);
  }
  out.push_back('}');
}

template <class T>
void WriteTo(std::string& out, T const& value) {
  if constexpr (RawType<T>) {
    out.append(std::string_view(value.ToRaw()));
  } else if constexpr (CustomType<T>) {
    out.append(boost::json::serialize(value.ToJson()));
  } else if constexpr (std::same_as<T, Value>) {
    out.append(boost::json::serialize(value));
  } else if constexpr (IsOptional<T>::value) {
    value.has_value() ? WriteTo(out, *value) : void(out.append("null"));
  } else if constexpr (IsVector<T>::value) {
    WriteList(out, value);
  } else if constexpr (IsMap<T>::value) {
    WriteMap(out, value);
  } else if constexpr (std::same_as<T, bool>) {
    out.append(value ? "true" : "false");
  } else if constexpr (std::integral<T>) {
    fmt::format_int const digits(value);
    out.append(digits.data(), digits.size());
  } else if constexpr (std::floating_point<T>) {
    out.append(boost::json::serialize(Value(static_cast<double>(value))));
  } else if constexpr (std::convertible_to<T const&, std::string_view>) {
    AppendQuoted(out, std::string_view(value));
  } else if constexpr (TextType<T>) {
    AppendQuoted(out, std::string_view(value.ToString()));
  } else {
    static_assert(Described<T>, "describe the struct with BOOST_DESCRIBE_STRUCT");
    WriteObject(out, value);
  }
}

template <class T>
Value TreeFrom(T const& value) {
  if constexpr (RawType<T>) {
    return ParseTree(std::string_view(value.ToRaw())).value_or(Value(nullptr));
  } else if constexpr (CustomType<T>) {
    return value.ToJson();
  } else if constexpr (std::same_as<T, Value>) {
    return value;
  } else if constexpr (IsOptional<T>::value) {
    return value.has_value() ? TreeFrom(*value) : Value(nullptr);
  } else if constexpr (IsVector<T>::value) {
    boost::json::array array;
    array.reserve(value.size());
    for (auto const& element : value)
      array.push_back(TreeFrom(element));
    return array;
  } else if constexpr (IsMap<T>::value) {
    boost::json::object object;
    object.reserve(value.size());
    for (auto const& [key, element] : value)
      object.emplace(key, TreeFrom(element));
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
    boost::json::object object;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      auto const& field = value.*member.pointer;
      if constexpr (IsOptional<std::remove_cvref_t<decltype(field)>>::value) {
        if (!field.has_value()) return;
      }
      object.emplace(KeyOf(member.name), TreeFrom(field));
    });
    return object;
  }
}

}  // namespace trellis::json::detail
