#include "kernel/plugin/config_schema.hpp"

#include "kernel/plugin/schema_words.hpp"

#include <algorithm>
#include <cmath>
#include <regex>

namespace trellis::plugin {

namespace {

/// The library's matcher calls itself once for each character.
constexpr std::size_t kMaxMatched = 4096;
/// Of a listed choice that was missed.
constexpr std::size_t kMaxShown = 64;
constexpr std::string_view kHidden = "(not shown)";

/// Holds every whole number of a configuration exactly.
long double Number(json::Value const& value) {
  if (value.is_int64()) return static_cast<long double>(value.get_int64());
  if (value.is_uint64()) return static_cast<long double>(value.get_uint64());
  return value.is_double() ? static_cast<long double>(value.get_double()) : 0;
}

std::size_t Characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
  }));
}

std::string Shown(json::Value const& value) {
  auto text = boost::json::serialize(value);
  if (text.size() > kMaxShown) text = text.substr(0, kMaxShown) + "…";
  return text;
}

std::string Missed(json::Value const& schema, std::string const& is, std::string const& path) {
  return fmt::format("'{}' is {}; allowed is {}", path, is, Allowed(schema));
}

bool TypeFits(json::Value const& type, json::Value const& value) {
  if (type.is_string()) return IsOfType(value, std::string_view(type.get_string()));
  auto const& list = type.get_array();
  return std::any_of(list.begin(), list.end(), [&](auto const& one) {
    return IsOfType(value, std::string_view(one.get_string()));
  });
}

/// Is `number` within the bounds that two members of the schema set?
bool Within(json::Value const& schema, long double number, std::string_view least,
            std::string_view most) {
  auto const* from = Member(schema, least);
  auto const* to = Member(schema, most);
  return (from == nullptr || number >= Number(*from)) && (to == nullptr || number <= Number(*to));
}

bool NumberFits(json::Value const& schema, long double number) {
  auto const* above = Member(schema, "exclusiveMinimum");
  auto const* below = Member(schema, "exclusiveMaximum");
  auto const* step = Member(schema, "multipleOf");
  return Within(schema, number, "minimum", "maximum") &&
         (above == nullptr || number > Number(*above)) &&
         (below == nullptr || number < Number(*below)) &&
         (step == nullptr || std::fmod(number, Number(*step)) == 0);
}

bool TextFits(json::Value const& schema, std::string_view text) {
  if (!Within(schema, static_cast<long double>(Characters(text)), "minLength", "maxLength"))
    return false;
  auto const* pattern = Member(schema, "pattern");
  if (pattern == nullptr) return true;
  if (text.size() > kMaxMatched) return false;
  try {
    std::regex const wanted(pattern->get_string().c_str());
    return std::regex_search(text.begin(), text.end(), wanted);
  } catch (std::regex_error const&) {
    return false;
  }
}

std::string ListMismatch(json::Value const& schema, boost::json::array const& list,
                         std::string const& path) {
  if (!Within(schema, static_cast<long double>(list.size()), "minItems", "maxItems"))
    return Missed(schema, fmt::format("a list of {} entries", list.size()), path);
  auto const* unique = Member(schema, "uniqueItems");
  auto const* items = Member(schema, "items");
  for (std::size_t at = 0; at < list.size(); ++at) {
    auto const entry = fmt::format("{}[{}]", path, at);
    if (unique != nullptr && unique->get_bool() &&
        std::find(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(at), list[at]) !=
            list.begin() + static_cast<std::ptrdiff_t>(at))
      return fmt::format("'{}' is there twice; allowed are entries that differ", entry);
    if (items == nullptr) continue;
    if (auto wrong = SchemaMismatch(*items, list[at], entry); !wrong.empty()) return wrong;
  }
  return {};
}

/// `known are a, b`
std::string KnownKeys(json::Value const* properties) {
  std::vector<std::string> names;
  if (properties != nullptr) {
    for (auto const& property : properties->get_object())
      names.emplace_back(property.key());
  }
  std::sort(names.begin(), names.end());
  return names.empty() ? "none is" : fmt::format("known are {}", fmt::join(names, ", "));
}

std::string TableMismatch(json::Value const& schema, boost::json::object const& table,
                          std::string const& path) {
  auto const* properties = Member(schema, "properties");
  auto const* others = Member(schema, "additionalProperties");
  for (auto const& [key, value] : table) {
    auto const at = path + "." + std::string(key);
    auto const* rule = properties == nullptr ? nullptr : Member(*properties, key);
    if (rule == nullptr) rule = others;
    if (rule == others && others != nullptr && others->is_bool() && !others->get_bool())
      return fmt::format("'{}' is not known; {}", at, KnownKeys(properties));
    if (rule == nullptr) continue;
    if (auto wrong = SchemaMismatch(*rule, value, at); !wrong.empty()) return wrong;
  }
  if (auto const* required = Member(schema, "required")) {
    for (auto const& key : required->get_array()) {
      std::string_view const name(key.get_string());
      if (table.contains(name)) continue;
      auto const* rule = properties == nullptr ? nullptr : Member(*properties, name);
      return fmt::format("'{}.{}' is missing; needed is {}", path, name,
                         rule == nullptr ? "any value" : Allowed(*rule));
    }
  }
  if (!Within(schema, static_cast<long double>(table.size()), "minProperties", "maxProperties"))
    return Missed(schema, fmt::format("a table of {} keys", table.size()), path);
  return {};
}

std::string CombinedMismatch(json::Value const& schema, json::Value const& value,
                             std::string const& path) {
  auto const fitting = [&](json::Value const& schemas) {
    auto const& list = schemas.get_array();
    return std::count_if(list.begin(), list.end(),
                         [&](auto const& one) { return SchemaMismatch(one, value, path).empty(); });
  };
  if (auto const* all = Member(schema, "allOf")) {
    for (auto const& one : all->get_array()) {
      if (auto wrong = SchemaMismatch(one, value, path); !wrong.empty()) return wrong;
    }
  }
  auto const* any = Member(schema, "anyOf");
  if (any != nullptr && fitting(*any) == 0) return Missed(schema, KindOf(value), path);
  auto const* one = Member(schema, "oneOf");
  if (one != nullptr && fitting(*one) != 1) return Missed(schema, KindOf(value), path);
  auto const* none = Member(schema, "not");
  if (none != nullptr && SchemaMismatch(*none, value, path).empty())
    return fmt::format("'{}' is {}; allowed is anything but {}", path, KindOf(value),
                       Allowed(*none));
  return {};
}

/// Is `rule`, or something below it, not to be shown?
bool Secret(json::Value const& rule) {
  auto const* hidden = Member(rule, "writeOnly");
  if (hidden != nullptr && hidden->is_bool() && hidden->get_bool()) return true;
  for (auto const* key : {"items", "additionalProperties"}) {
    if (auto const* below = Member(rule, key); below != nullptr && Secret(*below)) return true;
  }
  auto const* properties = Member(rule, "properties");
  if (properties == nullptr || !properties->is_object()) return false;
  auto const& list = properties->get_object();
  return std::any_of(list.begin(), list.end(),
                     [](auto const& property) { return Secret(property.value()); });
}

void AddKeys(json::Value const& schema, json::Value const* value, std::string const& base,
             std::vector<ConfigKey>& keys) {
  auto const* properties = Member(schema, "properties");
  if (properties == nullptr || !properties->is_object()) return;
  for (auto const& property : properties->get_object()) {
    auto const& rule = property.value();
    auto const key = base + std::string(property.key());
    auto const* now = value == nullptr ? nullptr : Member(*value, property.key());
    if (Member(rule, "properties") != nullptr) {
      AddKeys(rule, now, key + ".", keys);
      continue;
    }
    auto const* standard = Member(rule, "default");
    auto const* description = Member(rule, "description");
    ConfigKey entry{key, Allowed(rule), {}, nullptr, nullptr};
    if (description != nullptr && description->is_string())
      entry.description = description->get_string().c_str();
    if (standard != nullptr) entry.standard = *standard;
    if (now != nullptr) entry.value = Secret(rule) ? json::Value(kHidden) : *now;
    keys.push_back(std::move(entry));
    if (auto const* items = Member(rule, "items")) AddKeys(*items, nullptr, key + "[].", keys);
  }
}

}  // namespace

void FillDefaults(json::Value const& schema, json::Value& value) {
  if (value.is_array()) {
    if (auto const* items = Member(schema, "items")) {
      for (auto& entry : value.get_array())
        FillDefaults(*items, entry);
    }
  }
  if (!value.is_object()) return;
  auto& table = value.get_object();
  auto const* properties = Member(schema, "properties");
  auto const* others = Member(schema, "additionalProperties");
  for (auto& member : table) {
    auto const* rule = properties == nullptr ? nullptr : Member(*properties, member.key());
    if (rule == nullptr) rule = others;
    if (rule != nullptr) FillDefaults(*rule, member.value());
  }
  if (properties == nullptr) return;
  for (auto const& property : properties->get_object()) {
    auto const* standard = Member(property.value(), "default");
    if (standard == nullptr || table.contains(property.key())) continue;
    FillDefaults(property.value(), table[property.key()] = *standard);
  }
}

std::string SchemaMismatch(json::Value const& schema, json::Value const& value,
                           std::string const& path) {
  if (schema.is_bool()) return schema.get_bool() ? "" : Missed(schema, KindOf(value), path);
  if (auto const* choices = Member(schema, "enum")) {
    auto const& list = choices->get_array();
    if (std::find(list.begin(), list.end(), value) == list.end())
      return Missed(schema, Shown(value), path);
  }
  auto const* only = Member(schema, "const");
  if (only != nullptr && *only != value) return Missed(schema, Shown(value), path);
  auto const* type = Member(schema, "type");
  if (type != nullptr && !TypeFits(*type, value)) return Missed(schema, KindOf(value), path);
  if (value.is_number() && !NumberFits(schema, Number(value)))
    return Missed(schema, KindOf(value), path);
  if (value.is_string() && !TextFits(schema, std::string_view(value.get_string())))
    return Missed(schema, "another text", path);
  std::string wrong;
  if (value.is_array()) wrong = ListMismatch(schema, value.get_array(), path);
  if (value.is_object()) wrong = TableMismatch(schema, value.get_object(), path);
  return wrong.empty() ? CombinedMismatch(schema, value, path) : wrong;
}

Result<std::string> CheckedConfig(std::string_view schema, std::string_view config,
                                  std::string const& path) {
  TRELLIS_TRY(auto value, json::ParseValue(config));
  if (!value.is_object())
    return Fail(Code::kInvalid, "'{}' is {}; allowed is a table", path, KindOf(value));
  if (schema.empty()) {
    if (value.get_object().empty()) return std::string("{}");
    return Fail(Code::kInvalid,
                "'{}.{}' is not known: the plugin's manifest has no schema, so nothing can be "
                "configured",
                path, std::string_view(value.get_object().begin()->key()));
  }
  TRELLIS_TRY(auto const rules, json::ParseValue(schema));
  FillDefaults(rules, value);
  if (auto wrong = SchemaMismatch(rules, value, path); !wrong.empty())
    return Fail(Code::kInvalid, "{}", wrong);
  return boost::json::serialize(value);
}

std::vector<ConfigKey> ConfigKeys(std::string_view schema, std::string_view config) {
  std::vector<ConfigKey> keys;
  auto const rules = json::ParseValue(schema);
  auto const value = json::ParseValue(config);
  if (rules) AddKeys(*rules, value ? &*value : nullptr, {}, keys);
  return keys;
}

}  // namespace trellis::plugin
