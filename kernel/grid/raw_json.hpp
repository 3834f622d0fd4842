// JSON values kept as the text they came in, and the decoder that can do so.
#pragma once

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace trellis::grid {

/// A JSON value as text, exactly as received by DecodeRaw: key order, spaces and big integers
/// survive. Empty when the value was null or missing.
struct RawJson {
  std::string text;

  /// The text, `null` when empty.
  [[nodiscard]] std::string_view OrNull() const {
    return text.empty() ? std::string_view("null") : std::string_view(text);
  }
  [[nodiscard]] bool IsObject() const { return text.starts_with('{'); }

  /// For use inside other described structs; these two do not keep the text verbatim.
  static Result<void> FromJson(RawJson& out, json::Value const& value);
  [[nodiscard]] json::Value ToJson() const;
  bool operator==(RawJson const&) const = default;
};

/// Walks the members of an object, or the elements of an array, of JSON text that is known to be
/// well formed. Slices are borrowed from the text.
class RawCursor {
 public:
  /// `container` starts with '{' or '['.
  explicit RawCursor(std::string_view container) : rest_(container.substr(1)) {}

  /// False at the end. Reads `"key":` first when the container is an object.
  bool NextMember(std::string& key, std::string_view& value);
  bool NextElement(std::string_view& value);

 private:
  bool AtEnd();
  std::string_view TakeValue();

  std::string_view rest_;
};

/// The text without JSON white space around it.
std::string_view TrimJson(std::string_view text);

/// A described struct that holds RawJson somewhere says so: `static constexpr bool kHasRaw =
/// true;`.
template <class T>
concept HasRaw = T::kHasRaw;

template <class T>
Result<void> DecodeRaw(std::string_view text, T& out);

namespace detail {

template <class T>
Result<void> DecodeRawMember(std::string_view key, std::string_view text, T& out) {
  using Members = boost::describe::describe_members<T, boost::describe::mod_public>;
  Result<void> result;
  bool found = false;
  auto const attempt = [&](auto matches) {
    boost::mp11::mp_for_each<Members>([&](auto member) {
      if (found || !matches(std::string_view(member.name))) return;
      found = true;
      if (auto done = DecodeRaw(text, out.*member.pointer); !done)
        result = tl::unexpected<Error>(std::move(done).error().With("{}", member.name));
    });
  };
  attempt([&](std::string_view name) { return name == key; });
  if (!found) attempt([&](std::string_view name) { return json::detail::EqualsFolded(name, key); });
  return result;
}

template <class T>
Result<void> DecodeRawObject(std::string_view text, T& out) {
  if (!text.starts_with('{')) return Fail(Code::kDecode, "expected object");
  RawCursor cursor(text);
  std::string key;
  std::string_view value;
  while (cursor.NextMember(key, value))
    TRELLIS_CHECK(DecodeRawMember(key, value, out));
  return {};
}

template <class T>
Result<void> DecodeRawList(std::string_view text, std::vector<T>& out) {
  if (!text.starts_with('[')) return Fail(Code::kDecode, "expected array");
  out.clear();
  RawCursor cursor(text);
  std::string_view value;
  while (cursor.NextElement(value))
    TRELLIS_CHECK(DecodeRaw(value, out.emplace_back()));
  return {};
}

}  // namespace detail

/// As json::Decode, from well-formed JSON text, in text order, with RawJson members verbatim.
template <class T>
Result<void> DecodeRaw(std::string_view text, T& out) {
  if constexpr (std::is_same_v<T, RawJson>) {
    out.text = text == "null" ? std::string_view() : text;
    return {};
  } else if constexpr (json::detail::IsVector<T>::value) {
    if (text != "null") return detail::DecodeRawList(text, out);
    out.clear();
    return {};
  } else if constexpr (HasRaw<T>) {
    return text == "null" ? Result<void>() : detail::DecodeRawObject(text, out);
  } else {
    TRELLIS_TRY(auto const value, json::ParseValue(text));
    return json::Decode(value, out);
  }
}

}  // namespace trellis::grid
