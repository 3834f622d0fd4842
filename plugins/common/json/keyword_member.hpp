// Members whose JSON key is a C++ keyword, so that no described struct can spell them.
//
//   struct BackendFields { std::string address; };           // described
//   struct Backend : BackendFields {
//     std::string name;                                       // key `namespace`
//     static Result<void> FromJson(Backend& out, json::Value const& value) {
//       return DecodeWithKeyword<BackendFields>(value, out, "namespace", out.name);
//     }
//     json::Value ToJson() const { return EncodeWithKeyword<BackendFields>(*this, "namespace",
//     name); }
//   };
#pragma once

#include <trellis/json.hpp>

#include <algorithm>
#include <string_view>

namespace trellis::plugins {

/// Decodes `fields` as usual and `member` from `key` (lower case), which matches like any other: in
/// either case, the last one wins. kDecode.
template <class Fields, class Member>
Result<void> DecodeWithKeyword(json::Value const& value, Fields& fields, std::string_view key,
                               Member& member) {
  TRELLIS_CHECK(json::Decode<Fields>(value, fields));
  auto const* object = value.if_object();
  if (object == nullptr) return {};
  auto const same = [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  };
  for (auto const& [name, element] : *object) {
    if (!std::ranges::equal(std::string_view(name), key, same)) continue;
    if (auto done = json::Decode(element, member); !done)
      return tl::unexpected<Error>(std::move(done).error().With("{}", key));
  }
  return {};
}

template <class Fields, class Member>
json::Value EncodeWithKeyword(Fields const& fields, std::string_view key, Member const& member) {
  auto value = json::Encode<Fields>(fields);
  value.get_object().emplace(key, json::Encode(member));
  return value;
}

}  // namespace trellis::plugins
