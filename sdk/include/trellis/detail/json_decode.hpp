// From JSON to C++ values, by the same rules from text and from a tree. Not for authors; use
// <trellis/json.hpp>.
#pragma once

#include <trellis/detail/json_shape.hpp>
#include <trellis/detail/json_text.hpp>
#include <trellis/result.hpp>

#include <charconv>
#include <concepts>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::json::detail {

/// The interface of TextReader over a tree. Borrows it.
class TreeReader {
 public:
  explicit TreeReader(Value const& value) : value_(&value) {}

  Result<Kind> Peek() {
    switch (value_->kind()) {
      case boost::json::kind::null:
        return Kind::kNull;
      case boost::json::kind::bool_:
        return Kind::kBool;
      case boost::json::kind::int64:
      case boost::json::kind::uint64:
      case boost::json::kind::double_:
        return Kind::kNumber;
      case boost::json::kind::string:
        return Kind::kString;
      case boost::json::kind::array:
        return Kind::kArray;
      case boost::json::kind::object:
        return Kind::kObject;
    }
    return Kind::kNull;
  }
  Result<void> Null() { return {}; }
  Result<bool> Bool() { return value_->get_bool(); }
  Result<NumberText> Number() {
    number_ = boost::json::serialize(*value_);
    return NumberText{number_, !value_->is_double()};
  }
  Result<std::string_view> String(std::string&) { return std::string_view(value_->get_string()); }
  template <class Function>
  Result<void> Object(Function&& member) {
    auto const* const object = value_;
    for (auto const& [key, element] : object->get_object()) {
      value_ = &element;
      TRELLIS_CHECK(member(std::string_view(key)));
    }
    return {};
  }
  template <class Function>
  Result<void> Array(Function&& element) {
    auto const* const array = value_;
    for (auto const& item : array->get_array()) {
      value_ = &item;
      TRELLIS_CHECK(element());
    }
    return {};
  }
  Result<void> Skip() { return {}; }
  Result<Value> Tree() { return *value_; }
  Result<std::string_view> Raw() {
    number_ = boost::json::serialize(*value_);
    return std::string_view(number_);
  }

 private:
  Value const* value_;
  std::string number_;  ///< or any text that a call answers with
};

inline Result<Value> TreeOf(TreeReader& in) {
  return in.Tree();
}
inline tl::unexpected<Error> Expected(std::string_view what, Kind got) {
  return Fail(Code::kDecode, "expected {}, got {}", what, ToText(got));
}

/// Equal without regard to the case of ASCII letters. `name` is ASCII; the two letters beyond it
/// that fold to ASCII ones (long s, kelvin sign) count as those.
inline bool EqualsFolded(std::string_view name, std::string_view key) {
  auto const lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  for (char const c : name) {
    std::size_t taken = 1;
    if (lower(c) == 's' && key.starts_with("\xc5\xbf")) {
      taken = 2;
    } else if (lower(c) == 'k' && key.starts_with("\xe2\x84\xaa")) {
      taken = 3;
    } else if (key.empty() || lower(key.front()) != lower(c)) {
      return false;
    }
    key.remove_prefix(taken);
  }
  return key.empty();
}

template <class T, class Reader>
Result<void> DecodeFrom(Reader& in, T& out);

template <std::integral T>
Result<void> DecodeInteger(NumberText const& number, T& out) {
  if (!number.integer) return Fail(Code::kDecode, "expected integer, got {}", number.text);
  auto const* const end = number.text.data() + number.text.size();
  T value = 0;
  auto const done = std::from_chars(number.text.data(), end, value);
  if (done.ec == std::errc() && done.ptr == end) {
    out = value;
    return {};
  }
  if (number.text == "-0") {  // from_chars takes no sign for an unsigned type
    out = 0;
    return {};
  }
  return Fail(Code::kDecode, "number {} is out of range", number.text);
}

template <class T, class Reader>
Result<void> DecodeMember(Reader& in, std::string_view key, T& out) {
  Result<void> result;
  bool found = false;
  auto const attempt = [&](auto matches) {
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      if (found || !matches(KeyOf(member.name))) return;
      found = true;
      if (auto done = DecodeFrom(in, out.*member.pointer); !done)
        result = tl::unexpected<Error>(std::move(done).error().With("{}", KeyOf(member.name)));
    });
  };
  attempt([&](std::string_view name) { return name == key; });
  if (!found) attempt([&](std::string_view name) { return EqualsFolded(name, key); });
  return found ? result : in.Skip();
}

template <class T, class Reader>
Result<void> DecodeList(Reader& in, std::vector<T>& out) {
  out.clear();
  return in.Array([&]() -> Result<void> {
    T item{};
    TRELLIS_CHECK(DecodeFrom(in, item));
    out.push_back(std::move(item));
    return {};
  });
}

template <class T, class Reader>
Result<void> DecodeMap(Reader& in, std::map<std::string, T>& out) {
  out.clear();
  return in.Object([&](std::string_view key) -> Result<void> {
    // Documents are mostly sorted. The last of equal keys wins, as a whole.
    auto const entry = out.try_emplace(out.end(), std::string(key));
    entry->second = T{};
    if (auto done = DecodeFrom(in, entry->second); !done)
      return tl::unexpected<Error>(std::move(done).error().With("{}", entry->first));
    return {};
  });
}

template <class T, class Reader>
Result<void> DecodeText(Reader& in, T& out) {
  std::string scratch;
  TRELLIS_TRY(auto const text, in.String(scratch));
  if constexpr (std::same_as<T, std::string>) {
    out.assign(text);
  } else {
    TRELLIS_TRY(out, T::Parse(text));
  }
  return {};
}

/// null: lists, maps and optionals become empty, and texts whose type says so; the rest stays.
template <class T>
void DecodeNull(T& out) {
  if constexpr (IsOptional<T>::value) {
    out.reset();
  } else if constexpr (IsVector<T>::value || IsMap<T>::value) {
    out.clear();
  } else if constexpr (requires { requires T::kNullIsEmpty; }) {
    out = T();
  }
}

template <class T, class Reader>
Result<void> DecodeKind(Reader& in, Kind kind, T& out) {
  if constexpr (IsVector<T>::value) {
    return kind == Kind::kArray ? DecodeList(in, out) : Expected("array", kind);
  } else if constexpr (IsMap<T>::value) {
    return kind == Kind::kObject ? DecodeMap(in, out) : Expected("object", kind);
  } else if constexpr (std::same_as<T, bool>) {
    if (kind != Kind::kBool) return Expected("bool", kind);
    TRELLIS_TRY(out, in.Bool());
    return {};
  } else if constexpr (std::integral<T>) {
    if (kind != Kind::kNumber) return Expected("integer", kind);
    TRELLIS_TRY(auto const number, in.Number());
    return DecodeInteger(number, out);
  } else if constexpr (std::floating_point<T>) {
    if (kind != Kind::kNumber) return Expected("number", kind);
    TRELLIS_TRY(auto const number, in.Number());
    double value = 0;
    if (!ToDouble(number.text, value))
      return Fail(Code::kDecode, "number {} is out of range", number.text);
    out = static_cast<T>(value);
    return {};
  } else if constexpr (std::same_as<T, std::string> || TextType<T>) {
    return kind == Kind::kString ? DecodeText(in, out) : Expected("string", kind);
  } else {
    static_assert(Described<T>, "describe the struct with BOOST_DESCRIBE_STRUCT");
    if (kind != Kind::kObject) return Expected("object", kind);
    return in.Object([&](std::string_view key) { return DecodeMember(in, key, out); });
  }
}

template <class T, class Reader>
Result<void> DecodeFrom(Reader& in, T& out) {
  if constexpr (RawType<T>) {
    TRELLIS_TRY(auto const text, in.Raw());
    return T::FromRaw(out, text);
  } else if constexpr (CustomType<T>) {
    TRELLIS_TRY(auto const value, TreeOf(in));
    return T::FromJson(out, value);
  } else if constexpr (std::same_as<T, Value>) {
    TRELLIS_TRY(out, TreeOf(in));
    return {};
  } else {
    TRELLIS_TRY(auto const kind, in.Peek());
    if (kind == Kind::kNull) {
      TRELLIS_CHECK(in.Null());
      DecodeNull(out);
      return {};
    }
    if constexpr (IsOptional<T>::value) {
      typename T::value_type inner = out.has_value() ? *std::move(out) : typename T::value_type{};
      TRELLIS_CHECK(DecodeFrom(in, inner));
      out = std::move(inner);
      return {};
    } else {
      return DecodeKind(in, kind, out);
    }
  }
}

}  // namespace trellis::json::detail
