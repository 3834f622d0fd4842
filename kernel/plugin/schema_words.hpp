// What a JSON Schema says, in words.
#pragma once

#include <trellis/json.hpp>

#include <string>
#include <string_view>

namespace trellis::plugin {

/// Member `key` of an object; nullptr when there is none.
inline json::Value const* Member(json::Value const& object, std::string_view key) {
  return object.is_object() ? object.get_object().if_contains(key) : nullptr;
}

/// Is `value` of the schema type `type`?
bool IsOfType(json::Value const& value, std::string_view type);

/// What a schema allows: `a whole number from 0 to 64`, `one of "a", "b"`.
std::string Allowed(json::Value const& schema);

/// What a value is, without showing texts, which may be secrets: `65`, `true`, `a text`.
std::string KindOf(json::Value const& value);

}  // namespace trellis::plugin
