#include "kernel/plugin/manifest_pack.hpp"

#include <trellis/json.hpp>

#include <algorithm>

namespace trellis::plugin {

namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

tl::unexpected<Error> Contradiction(std::string_view plugin, std::string_view item,
                                    value const& said, value const& is) {
  return Fail(Code::kInvalid, "plugin '{}': its manifest text says {} for '{}', its code says {}",
              plugin, boost::json::serialize(said), item, boost::json::serialize(is));
}

array Sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return array(names.begin(), names.end());
}

/// Lists of names in any order; everything else as it is. Numbers of 1 and 1.0 are alike.
value Comparable(value const& given) {
  auto const* list = given.if_array();
  if (list == nullptr) return given;
  std::vector<std::string> texts;
  for (auto const& entry : *list)
    texts.push_back(boost::json::serialize(entry));
  return Sorted(std::move(texts));
}

/// The keys of `is` that `said` has must agree.
Result<void> Agree(std::string_view plugin, std::string const& where, object const& said,
                   object const& is) {
  for (auto const& [key, real] : is) {
    auto const* claimed = said.if_contains(key);
    auto const item = where.empty() ? std::string(key) : where + "." + std::string(key);
    if (claimed != nullptr && Comparable(*claimed) != Comparable(real))
      return Contradiction(plugin, item, *claimed, real);
  }
  return {};
}

object const* EntryNamed(array const& list, std::string_view name) {
  for (auto const& entry : list) {
    auto const* fields = entry.if_object();
    auto const* found = fields != nullptr ? fields->if_contains("name") : nullptr;
    if (found != nullptr && found->is_string() && found->get_string() == name) return fields;
  }
  return nullptr;
}

object TypeObject(TypeRegistration const& type) {
  return {{"name", type.name},          {"sharable", type.sharable},
          {"rank", type.rank},          {"max_parallel", type.max_parallel},
          {"update", type.updatable},   {"pause", type.pausable},
          {"after", Sorted(type.after)}};
}

Result<array> PackTypes(Description const& found, value const* said) {
  array const* claims = said != nullptr ? said->if_array() : nullptr;
  if (said != nullptr && claims == nullptr)
    return Fail(Code::kInvalid, "plugin '{}': 'types' of its manifest text is no list", found.name);
  array packed;
  for (auto const& type : found.types) {
    auto entry = TypeObject(type);
    if (claims != nullptr) {
      auto const* claim = EntryNamed(*claims, type.name);
      if (claim == nullptr)
        return Fail(Code::kInvalid,
                    "plugin '{}': its code registers type '{}', its manifest text does not list it",
                    found.name, type.name);
      TRELLIS_CHECK(Agree(found.name, "types." + type.name, *claim, entry));
      for (auto const* own : {"deadline_s", "provision"}) {  // what only the text can say
        if (auto const* told = claim->if_contains(own)) entry[own] = *told;
      }
    }
    packed.push_back(std::move(entry));
  }
  for (auto const& claim : claims != nullptr ? *claims : array()) {
    auto const name =
        claim.is_object() && claim.get_object().contains("name") ? claim.at("name") : value("");
    if (!name.is_string() || EntryNamed(packed, name.get_string()) == nullptr)
      return Fail(Code::kInvalid,
                  "plugin '{}': its manifest text lists type {}, its code does not register it",
                  found.name, boost::json::serialize(name));
  }
  return packed;
}

array CommandList(Description const& found) {
  return Sorted(RegisteredIn(found).commands);
}

array ProviderList(Description const& found) {
  array list;
  for (auto const& provider : found.providers)
    list.push_back(object{{"kind", provider.kind}, {"name", provider.name}});
  return list;
}

value Said(object const& text, std::string_view key, value const& fallback) {
  auto const* found = text.if_contains(key);
  return found != nullptr ? *found : fallback;
}

Result<object> PackServices(Description const& found, object const& text) {
  auto const claims = Said(text, "services", object());
  if (!claims.is_object())
    return Fail(Code::kInvalid, "plugin '{}': 'services' of its manifest text is no object",
                found.name);
  auto const provides = Sorted(found.services);
  TRELLIS_CHECK(Agree(found.name, "services", claims.get_object(), {{"provides", provides}}));
  return object{{"provides", provides},
                {"requires", Said(claims.get_object(), "requires", array())},
                {"wants", Said(claims.get_object(), "wants", array())}};
}

/// Everything but `file`.
Result<object> PackAll(Description const& found, object const& text) {
  object abi{
      {"major", found.abi.major}, {"built", found.abi.built}, {"required", found.abi.required}};
  object packed{{"manifest", 1},
                {"name", found.name},
                {"version", found.version},
                {"summary", Said(text, "summary", "")},
                {"license", Said(text, "license", "")},
                {"file", nullptr},  // its place
                {"abi", std::move(abi)},
                {"threading", found.parallel ? "parallel" : "serial"}};
  packed["hosting"] = object{{"inline", found.may_be_inline}};
  TRELLIS_TRY(packed["types"], PackTypes(found, text.if_contains("types")));
  TRELLIS_TRY(packed["services"], PackServices(found, text));
  packed["commands"] = CommandList(found);
  packed["providers"] = ProviderList(found);
  packed["permissions"] = Said(text, "permissions", array());
  object const no_keys{{"type", "object"}, {"additionalProperties", false}};
  packed["config"] = Said(text, "config", object{{"version", 1}, {"schema", no_keys}});
  packed["state"] = Said(text, "state", object{{"version", 1}});
  object checked;
  for (auto const* key :
       {"name", "version", "abi", "threading", "hosting", "commands", "providers"})
    checked[key] = packed[key];
  TRELLIS_CHECK(Agree(found.name, "", text, checked));
  return packed;
}

bool Has(std::vector<std::string> const& list, std::string const& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

/// Everything of `found` is in `listed`.
Result<void> CheckListed(Manifest const& manifest, std::string_view what,
                         std::vector<std::string> const& found,
                         std::vector<std::string> const& listed) {
  for (auto const& name : found) {
    if (!Has(listed, name))
      return Fail(Code::kInvalid, "plugin '{}' registers {} '{}', which its manifest does not list",
                  manifest.name, what, name);
  }
  return {};
}

Result<void> CheckRegistered(Manifest const& manifest, std::string_view what,
                             std::vector<std::string> const& listed,
                             std::vector<std::string> const& found) {
  for (auto const& name : listed) {
    if (!Has(found, name))
      return Fail(Code::kInvalid,
                  "the manifest of plugin '{}' lists {} '{}', which it does not register",
                  manifest.name, what, name);
  }
  return {};
}

}  // namespace

Result<std::string> PackManifest(Description const& found, FileFacts const& file) {
  auto const text = json::ParseValue(found.manifest);
  if (!text || !text->is_object())
    return Fail(Code::kInvalid, "plugin '{}': its manifest text is no JSON object: {}", found.name,
                text ? "it is something else" : text.error().message);
  auto const& claims = text->get_object();
  for (auto const* key : {"manifest", "name", "version"}) {
    if (!claims.contains(key))
      return Fail(Code::kInvalid, "plugin '{}': its manifest text has no '{}'", found.name, key);
  }
  if (claims.at("manifest") != value(1))
    return Contradiction(found.name, "manifest", claims.at("manifest"), 1);
  TRELLIS_TRY(auto packed, PackAll(found, claims));
  packed["file"] =
      object{{"name", file.name}, {"size", file.size}, {"blake2b_256", file.blake2b_256}};
  auto written = boost::json::serialize(packed) + "\n";
  if (auto const read = Manifest::ParseFile(written); !read)
    return Fail(Code::kInvalid, "plugin '{}': {}", found.name, read.error().message);
  return written;
}

Registered RegisteredIn(Description const& found) {
  Registered names;
  for (auto const& type : found.types)
    names.types.push_back(type.name);
  names.services = found.services;
  for (auto const& command : found.commands) {
    names.commands.push_back(command.name);
    names.commands.insert(names.commands.end(), command.aliases.begin(), command.aliases.end());
  }
  for (auto const& provider : found.providers)
    names.providers.push_back(provider.kind + " " + provider.name);
  return names;
}

Result<void> CompareRegistered(Manifest const& manifest, Registered const& found) {
  std::vector<std::string> types;
  for (auto const& type : manifest.types)
    types.push_back(type.name);
  TRELLIS_CHECK(CheckListed(manifest, "type", found.types, types));
  TRELLIS_CHECK(CheckRegistered(manifest, "type", types, found.types));
  TRELLIS_CHECK(CheckListed(manifest, "service", found.services, manifest.services.provides));
  TRELLIS_CHECK(CheckRegistered(manifest, "service", manifest.services.provides, found.services));
  TRELLIS_CHECK(CheckListed(manifest, "command", found.commands, manifest.commands));
  return CheckListed(manifest, "provider", found.providers, manifest.providers);
}

Result<void> CompareDescriptor(Manifest const& manifest, std::string_view version,
                               AbiFacts const& abi) {
  if (version != manifest.version)
    return Fail(Code::kInvalid, "plugin '{}' has version {}, its manifest says {}", manifest.name,
                version, manifest.version);
  if (abi == manifest.abi) return {};
  return Fail(Code::kInvalid,
              "plugin '{}' was built for plugin ABI {}.{} and needs {}.{}, its manifest says {}.{} "
              "and {}.{}",
              manifest.name, abi.major, abi.built, abi.major, abi.required, manifest.abi.major,
              manifest.abi.built, manifest.abi.major, manifest.abi.required);
}

}  // namespace trellis::plugin
