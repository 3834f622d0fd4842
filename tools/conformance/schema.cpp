#include "tools/conformance/schema.hpp"

#include <algorithm>

namespace trellis::conformance {

namespace {

json::Value const* Member(json::Value const& object, std::string_view key) {
  return object.is_object() ? object.get_object().if_contains(key) : nullptr;
}

bool IsType(json::Value const& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_bool();
  if (type == "null") return value.is_null();
  if (type == "integer") return value.is_int64() || value.is_uint64();
  return type != "number" || value.is_number();
}

std::string TypeMismatch(json::Value const& type, json::Value const& value,
                         std::string const& path) {
  bool fits = false;
  std::string wanted;
  if (type.is_string()) {
    wanted = type.get_string().c_str();
    fits = IsType(value, wanted);
  } else if (type.is_array()) {
    for (auto const& one : type.get_array()) {
      if (!one.is_string()) continue;
      wanted += (wanted.empty() ? "" : " or ") + std::string(one.get_string());
      fits = fits || IsType(value, std::string_view(one.get_string()));
    }
  }
  return fits ? std::string() : fmt::format("{} is not of type {}", path, wanted);
}

std::string RangeMismatch(json::Value const& schema, json::Value const& value,
                          std::string const& path) {
  if (!value.is_number()) return {};
  auto const number = value.to_number<double>();
  auto const* least = Member(schema, "minimum");
  auto const* most = Member(schema, "maximum");
  if (least != nullptr && least->is_number() && number < least->to_number<double>())
    return fmt::format("{} is below the minimum", path);
  if (most != nullptr && most->is_number() && number > most->to_number<double>())
    return fmt::format("{} is above the maximum", path);
  return {};
}

std::string ObjectMismatch(json::Value const& schema, json::Value const& value,
                           std::string const& path) {
  auto const* properties = Member(schema, "properties");
  auto const* others = Member(schema, "additionalProperties");
  for (auto const& [key, member] : value.get_object()) {
    std::string const at = path + "." + std::string(key);
    auto const* known = properties == nullptr ? nullptr : Member(*properties, key);
    if (known == nullptr && others != nullptr && others->is_bool() && !others->get_bool())
      return fmt::format("{} is unknown to the schema", at);
    auto const* rule = known == nullptr ? others : known;
    if (rule == nullptr) continue;
    if (auto wrong = SchemaMismatch(*rule, member, at); !wrong.empty()) return wrong;
  }
  if (auto const* required = Member(schema, "required");
      required != nullptr && required->is_array()) {
    for (auto const& key : required->get_array()) {
      if (key.is_string() && Member(value, std::string_view(key.get_string())) == nullptr)
        return fmt::format("{}.{} is missing", path, std::string_view(key.get_string()));
    }
  }
  return {};
}

}  // namespace

std::string SchemaMismatch(json::Value const& schema, json::Value const& value,
                           std::string const& path) {
  if (!schema.is_object()) return {};
  if (auto const* type = Member(schema, "type")) {
    if (auto wrong = TypeMismatch(*type, value, path); !wrong.empty()) return wrong;
  }
  if (auto const* choices = Member(schema, "enum"); choices != nullptr && choices->is_array()) {
    auto const& list = choices->get_array();
    if (std::find(list.begin(), list.end(), value) == list.end())
      return fmt::format("{} is none of the values that the schema lists", path);
  }
  if (value.is_object()) return ObjectMismatch(schema, value, path);
  if (auto const* items = Member(schema, "items"); items != nullptr && value.is_array()) {
    for (auto const& item : value.get_array()) {
      if (auto wrong = SchemaMismatch(*items, item, path + "[]"); !wrong.empty()) return wrong;
    }
  }
  return RangeMismatch(schema, value, path);
}

}  // namespace trellis::conformance
