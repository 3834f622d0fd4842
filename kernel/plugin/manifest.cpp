#include "kernel/plugin/manifest.hpp"

#include "kernel/plugin/config_schema.hpp"

#include <trellis/json.hpp>

#include <algorithm>

namespace trellis::plugin {

namespace {

constexpr std::chrono::minutes kMaxDeadline{15};

struct ProviderName {
  std::string kind;
  std::string name;
};
BOOST_DESCRIBE_STRUCT(ProviderName, (), (kind, name))

/// `requires` is a word of the language, so this object is read by hand.
Result<std::vector<std::string>> Names(json::Value const& object, std::string_view key) {
  std::vector<std::string> names;
  if (!object.is_object()) return names;
  auto const* found = object.get_object().if_contains(key);
  if (found != nullptr) TRELLIS_CHECK(json::Decode(*found, names));
  return names;
}

/// `commands` lists names, or objects with a name.
std::vector<std::string> CommandNames(json::Value const& list) {
  std::vector<std::string> names;
  if (!list.is_array()) return names;
  for (auto const& entry : list.get_array()) {
    auto const* name = entry.is_object() ? entry.get_object().if_contains("name") : &entry;
    if (name != nullptr && name->is_string()) names.emplace_back(name->get_string());
  }
  return names;
}

/// `providers` lists objects with kind and name.
std::vector<std::string> ProviderNames(json::Value const& list) {
  std::vector<std::string> names;
  if (!list.is_array()) return names;
  for (auto const& entry : list.get_array()) {
    ProviderName provider;
    if (json::Decode(entry, provider)) names.push_back(provider.kind + " " + provider.name);
  }
  return names;
}

Result<std::vector<ManifestType>> Types(json::Value const& list) {
  std::vector<ManifestType> types;
  if (!list.is_array()) return types;
  for (auto const& entry : list.get_array()) {
    if (!entry.is_object()) return Fail(Code::kInvalid, "types: expected a list of objects");
    ManifestType type;
    if (auto const* name = entry.get_object().if_contains("name"))
      TRELLIS_CHECK(json::Decode(*name, type.name));
    if (auto const* limits = entry.get_object().if_contains("deadline_s"))
      TRELLIS_CHECK(json::Decode(*limits, type.deadline_s));
    if (auto const* provision = entry.get_object().if_contains("provision"))
      TRELLIS_CHECK(json::Decode(*provision, type.provision));
    types.push_back(std::move(type));
  }
  return types;
}

/// `{"version":n}`; 1 when it is not said.
Result<std::uint32_t> SchemaVersion(json::Value const& manifest, std::string_view key) {
  std::uint32_t version = 1;
  auto const* part = manifest.get_object().if_contains(key);
  if (part == nullptr) return version;
  auto const* said = part->is_object() ? part->get_object().if_contains("version") : nullptr;
  if (said != nullptr) TRELLIS_CHECK(json::Decode(*said, version));
  if (!part->is_object() || version == 0)
    return Fail(Code::kInvalid, "{}: expected an object with a version from 1", key);
  return version;
}

/// The text of `config.schema`; "" when there is none.
Result<std::string> ConfigSchema(json::Value const& manifest) {
  auto const* config = manifest.get_object().if_contains("config");
  auto const* schema = config == nullptr ? nullptr : config->get_object().if_contains("schema");
  if (schema == nullptr) return std::string();
  if (!schema->is_object()) return Fail(Code::kInvalid, "config.schema: expected an object");
  TRELLIS_CHECK(CheckSchema(*schema));
  return boost::json::serialize(*schema);
}

Result<Manifest> Read(std::string_view text) {
  TRELLIS_TRY(auto const value, json::ParseValue(text));
  if (!value.is_object()) return Fail(Code::kInvalid, "expected an object");
  auto const& object = value.get_object();
  Manifest manifest;
  if (auto const* name = object.if_contains("name"))
    TRELLIS_CHECK(json::Decode(*name, manifest.name));
  if (auto const* version = object.if_contains("version"))
    TRELLIS_CHECK(json::Decode(*version, manifest.version));
  if (auto const* summary = object.if_contains("summary"))
    TRELLIS_CHECK(json::Decode(*summary, manifest.summary));
  if (auto const* file = object.if_contains("file"))
    TRELLIS_CHECK(json::Decode(*file, manifest.file));
  if (auto const* abi = object.if_contains("abi")) TRELLIS_CHECK(json::Decode(*abi, manifest.abi));
  if (auto const* types = object.if_contains("types")) {
    TRELLIS_TRY(manifest.types, Types(*types));
  }
  if (auto const* services = object.if_contains("services")) {
    TRELLIS_TRY(manifest.services.provides, Names(*services, "provides"));
    TRELLIS_TRY(manifest.services.requires_, Names(*services, "requires"));
    TRELLIS_TRY(manifest.services.wants, Names(*services, "wants"));
  }
  TRELLIS_TRY(manifest.permissions, Names(value, "permissions"));
  TRELLIS_TRY(manifest.config_version, SchemaVersion(value, "config"));
  TRELLIS_TRY(manifest.config_schema, ConfigSchema(value));
  TRELLIS_TRY(manifest.state_version, SchemaVersion(value, "state"));
  if (auto const* commands = object.if_contains("commands"))
    manifest.commands = CommandNames(*commands);
  if (auto const* providers = object.if_contains("providers"))
    manifest.providers = ProviderNames(*providers);
  return manifest;
}

bool Contains(std::vector<std::string> const& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

Result<Manifest> Manifest::ParseFile(std::string_view text) {
  TRELLIS_TRY(auto const value, json::ParseValue(text));
  auto const* form = value.is_object() ? value.get_object().if_contains("manifest") : nullptr;
  if (form == nullptr || !form->is_number() || form->to_number<double>() != 1)
    return Fail(Code::kInvalid, "it is no manifest: '\"manifest\":1' is missing");
  TRELLIS_TRY(auto manifest, Read(text));
  if (manifest.name.empty() || manifest.version.empty())
    return Fail(Code::kInvalid, "its name or version is missing");
  if (manifest.file.name.empty() || manifest.file.blake2b_256.empty())
    return Fail(Code::kInvalid, "it describes no file: make it with 'trellis plugin pack'");
  return manifest;
}

Result<Manifest> Manifest::Parse(std::string_view text, std::string_view name,
                                 std::string_view version) {
  auto manifest = Read(text);
  if (!manifest)
    return Fail(Code::kInvalid, "plugin '{}' has an invalid manifest: {}", name,
                manifest.error().message);
  if (manifest->name != name || manifest->version != version)
    return Fail(Code::kInvalid, "plugin '{}' {} has the manifest of '{}' {}", name, version,
                manifest->name, manifest->version);
  return manifest;
}

bool Manifest::MayCall(std::string_view id) const {
  return Contains(services.requires_, id) || Contains(services.wants, id);
}

bool Manifest::Provisions(std::string_view type) const {
  return std::none_of(types.begin(), types.end(),
                      [&](auto const& entry) { return entry.name == type && !entry.provision; });
}

std::chrono::seconds Manifest::Deadline(std::string_view type, std::string_view operation,
                                        std::chrono::seconds fallback) const {
  for (auto const& entry : types) {
    if (entry.name != type) continue;
    auto const found = entry.deadline_s.find(std::string(operation));
    if (found == entry.deadline_s.end() || found->second == 0) return fallback;
    return std::min<std::chrono::seconds>(std::chrono::seconds(found->second), kMaxDeadline);
  }
  return fallback;
}

}  // namespace trellis::plugin
