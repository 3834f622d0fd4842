#include "kernel/plugin/schema_words.hpp"

#include <array>
#include <utility>

namespace trellis::plugin {

namespace {

std::string_view TypeName(std::string_view type) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kNames{
      {{"object", "a table"},
       {"array", "a list"},
       {"string", "a text"},
       {"boolean", "true or false"},
       {"null", "null"},
       {"integer", "a whole number"},
       {"number", "a number"}}};
  for (auto const& [name, words] : kNames) {
    if (name == type) return words;
  }
  return type;
}

/// ` from 1 to 5`, ` of at least 1`, ` of at most 5`, or "".
std::string Range(json::Value const& schema, std::string_view least, std::string_view most,
                  std::string_view unit = {}) {
  auto const* from = Member(schema, least);
  auto const* to = Member(schema, most);
  auto const text = [](json::Value const* number) { return boost::json::serialize(*number); };
  if (from == nullptr && to == nullptr) return {};
  if (from != nullptr && to != nullptr)
    return fmt::format(" {} {} to {}{}", unit.empty() ? "from" : "of", text(from), text(to), unit);
  if (from != nullptr) return fmt::format(" of at least {}{}", text(from), unit);
  return fmt::format(" of at most {}{}", text(to), unit);
}

std::string AllowedType(json::Value const& schema, std::string_view type) {
  std::string words(TypeName(type));
  if (type == "integer" || type == "number") {
    words += Range(schema, "minimum", "maximum");
    if (auto const* bound = Member(schema, "exclusiveMinimum"))
      words += fmt::format(" above {}", boost::json::serialize(*bound));
    if (auto const* bound = Member(schema, "exclusiveMaximum"))
      words += fmt::format(" below {}", boost::json::serialize(*bound));
    if (auto const* step = Member(schema, "multipleOf"))
      words += fmt::format(" that {} divides", boost::json::serialize(*step));
  } else if (type == "string") {
    words += Range(schema, "minLength", "maxLength", " characters");
    if (auto const* pattern = Member(schema, "pattern"))
      words += fmt::format(" that matches {}", boost::json::serialize(*pattern));
  } else if (type == "array") {
    words += Range(schema, "minItems", "maxItems", " entries");
    if (auto const* items = Member(schema, "items"))
      words += fmt::format(", each entry {}", Allowed(*items));
  } else if (type == "object") {
    words += Range(schema, "minProperties", "maxProperties", " keys");
  }
  return words;
}

std::string Joined(boost::json::array const& schemas) {
  std::string words;
  for (auto const& schema : schemas)
    words += (words.empty() ? "" : ", or ") + Allowed(schema);
  return words;
}

}  // namespace

bool IsOfType(json::Value const& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_bool();
  if (type == "null") return value.is_null();
  if (type == "integer") return value.is_int64() || value.is_uint64();
  return type == "number" && value.is_number();
}

std::string Allowed(json::Value const& schema) {
  if (schema.is_bool()) return schema.get_bool() ? "any value" : "nothing";
  if (auto const* only = Member(schema, "const")) return boost::json::serialize(*only);
  if (auto const* choices = Member(schema, "enum"); choices != nullptr && choices->is_array()) {
    std::string words;
    for (auto const& choice : choices->get_array())
      words += (words.empty() ? "one of " : ", ") + boost::json::serialize(choice);
    return words;
  }
  for (auto const* key : {"anyOf", "oneOf"}) {
    auto const* schemas = Member(schema, key);
    if (schemas != nullptr && schemas->is_array()) return Joined(schemas->get_array());
  }
  auto const* type = Member(schema, "type");
  if (type == nullptr) return "any value";
  if (type->is_string()) return AllowedType(schema, std::string_view(type->get_string()));
  std::string words;
  if (type->is_array()) {
    for (auto const& one : type->get_array()) {
      if (one.is_string())
        words +=
            (words.empty() ? "" : " or ") + AllowedType(schema, std::string_view(one.get_string()));
    }
  }
  return words;
}

std::string KindOf(json::Value const& value) {
  if (value.is_string()) return "a text";
  if (value.is_array()) return "a list";
  if (value.is_object()) return "a table";
  return boost::json::serialize(value);
}

}  // namespace trellis::plugin
