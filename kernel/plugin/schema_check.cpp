// Is a schema one that this host can check configurations against?
#include "kernel/plugin/config_schema.hpp"
#include "kernel/plugin/schema_words.hpp"

#include <algorithm>
#include <array>
#include <regex>

namespace trellis::plugin {

namespace {

/// What the value of a keyword has to be.
enum class Form : std::uint8_t {
  kNote,  ///< says nothing about values
  kTypes,
  kList,
  kNames,
  kNumber,
  kStep,
  kCount,
  kFlag,
  kPattern,
  kSchema,
  kSchemas,
  kProperties,
};

struct Keyword {
  std::string_view name;
  Form form;
  std::string_view wanted;
};

constexpr std::array kKeywords{
    Keyword{"type", Form::kTypes, "a type, or a list of them"},
    Keyword{"enum", Form::kList, "a list"},
    Keyword{"const", Form::kNote, ""},
    Keyword{"minimum", Form::kNumber, "a number"},
    Keyword{"maximum", Form::kNumber, "a number"},
    Keyword{"exclusiveMinimum", Form::kNumber, "a number"},
    Keyword{"exclusiveMaximum", Form::kNumber, "a number"},
    Keyword{"multipleOf", Form::kStep, "a number above 0"},
    Keyword{"minLength", Form::kCount, "a whole number from 0"},
    Keyword{"maxLength", Form::kCount, "a whole number from 0"},
    Keyword{"pattern", Form::kPattern, "a regular expression"},
    Keyword{"items", Form::kSchema, "a schema"},
    Keyword{"minItems", Form::kCount, "a whole number from 0"},
    Keyword{"maxItems", Form::kCount, "a whole number from 0"},
    Keyword{"uniqueItems", Form::kFlag, "true or false"},
    Keyword{"properties", Form::kProperties, "an object of schemas"},
    Keyword{"required", Form::kNames, "a list of names"},
    Keyword{"additionalProperties", Form::kSchema, "a schema"},
    Keyword{"minProperties", Form::kCount, "a whole number from 0"},
    Keyword{"maxProperties", Form::kCount, "a whole number from 0"},
    Keyword{"allOf", Form::kSchemas, "a list of schemas"},
    Keyword{"anyOf", Form::kSchemas, "a list of schemas"},
    Keyword{"oneOf", Form::kSchemas, "a list of schemas"},
    Keyword{"not", Form::kSchema, "a schema"},
    Keyword{"default", Form::kNote, ""},
    Keyword{"title", Form::kNote, ""},
    Keyword{"description", Form::kNote, ""},
    Keyword{"examples", Form::kNote, ""},
    Keyword{"format", Form::kNote, ""},
    Keyword{"deprecated", Form::kNote, ""},
    Keyword{"readOnly", Form::kNote, ""},
    Keyword{"writeOnly", Form::kNote, ""},
    Keyword{"$schema", Form::kNote, ""},
    Keyword{"$id", Form::kNote, ""},
    Keyword{"$comment", Form::kNote, ""},
};

Result<void> Check(json::Value const& schema, std::string const& path);

bool IsType(json::Value const& value) {
  static constexpr std::array<std::string_view, 7> kTypes{"object", "array",   "string", "boolean",
                                                          "null",   "integer", "number"};
  return value.is_string() && std::find(kTypes.begin(), kTypes.end(),
                                        std::string_view(value.get_string())) != kTypes.end();
}

bool IsText(json::Value const& value) {
  return value.is_string();
}

template <class Predicate>
bool IsListOf(json::Value const& value, Predicate const& fits) {
  return value.is_array() && std::all_of(value.get_array().begin(), value.get_array().end(), fits);
}

bool IsPattern(json::Value const& value) {
  if (!value.is_string()) return false;
  try {
    std::regex const compiled(value.get_string().c_str());
    return true;
  } catch (std::regex_error const&) {
    return false;
  }
}

bool HasForm(json::Value const& value, Form form) {
  switch (form) {
    case Form::kNote:
      return true;
    case Form::kTypes:
      return IsType(value) || IsListOf(value, IsType);
    case Form::kList:
      return value.is_array();
    case Form::kNames:
      return IsListOf(value, IsText);
    case Form::kNumber:
      return value.is_number();
    case Form::kStep:
      return value.is_number() && value.to_number<double>() > 0;
    case Form::kCount:
      return (value.is_int64() && value.get_int64() >= 0) || value.is_uint64();
    case Form::kFlag:
      return value.is_bool();
    case Form::kPattern:
      return IsPattern(value);
    case Form::kSchema:
      return value.is_object() || value.is_bool();
    case Form::kSchemas:
      return value.is_array() && !value.get_array().empty();
    case Form::kProperties:
      return value.is_object();
  }
  return false;
}

Result<void> CheckBelow(json::Value const& value, Form form, std::string const& path) {
  if (form == Form::kSchema) return Check(value, path);
  if (form == Form::kSchemas) {
    for (auto const& one : value.get_array())
      TRELLIS_CHECK(Check(one, path));
  }
  if (form == Form::kProperties) {
    for (auto const& property : value.get_object())
      TRELLIS_CHECK(Check(property.value(), path + "." + std::string(property.key())));
  }
  return {};
}

Result<void> Check(json::Value const& schema, std::string const& path) {
  if (schema.is_bool()) return {};
  if (!schema.is_object())
    return Fail(Code::kInvalid, "{} is {}; a schema is an object", path, KindOf(schema));
  for (auto const& [key, value] : schema.get_object()) {
    auto const at = path + "." + std::string(key);
    auto const known = std::find_if(kKeywords.begin(), kKeywords.end(),
                                    [&](auto const& one) { return one.name == key; });
    if (known == kKeywords.end())
      return Fail(Code::kInvalid, "{}: this host does not know the keyword '{}'", at,
                  std::string_view(key));
    if (!HasForm(value, known->form))
      return Fail(Code::kInvalid, "{} is {}; it has to be {}", at, KindOf(value), known->wanted);
    TRELLIS_CHECK(CheckBelow(value, known->form, at));
  }
  auto const* standard = Member(schema, "default");
  if (standard == nullptr) return {};
  auto filled = *standard;
  FillDefaults(schema, filled);
  if (auto const wrong = SchemaMismatch(schema, filled, path + ".default"); !wrong.empty())
    return Fail(Code::kInvalid, "{}", wrong);
  return {};
}

}  // namespace

Result<void> CheckSchema(json::Value const& schema) {
  return Check(schema, "config.schema");
}

}  // namespace trellis::plugin
