// Plugins' configurations against the JSON Schema in their manifests.
#pragma once

#include <trellis/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugin {

/// One key of a plugin's configuration, for people.
struct ConfigKey {
  std::string key;          ///< as in the file, below the plugin's table: `uplink.mode`
  std::string allowed;      ///< `a whole number from 0 to 64`
  std::string description;  ///< as the schema has it
  json::Value standard;     ///< what counts where the key is missing; null = nothing
  json::Value value;        ///< what counts now; null = nothing
};

/// Can this host check configurations against `schema`? kInvalid names a keyword that it does not
/// know or that has the wrong form, and a default that the schema itself does not allow.
Result<void> CheckSchema(json::Value const& schema);

/// The first place where `value` is not as `schema` says, what it is there and what is allowed; ""
/// when all is well. Texts are shown only where a choice is listed: they may be secrets. `path` is
/// that of the value.
std::string SchemaMismatch(json::Value const& schema, json::Value const& value,
                           std::string const& path);

/// Adds what `value` lacks and `schema` has a default for, at every depth.
void FillDefaults(json::Value const& schema, json::Value& value);

/// `config` (a JSON object) with all defaults filled in. `schema` is that of a manifest, "" when it
/// has none: then nothing may be configured. kInvalid, naming keys below `path`.
Result<std::string> CheckedConfig(std::string_view schema, std::string_view config,
                                  std::string const& path);

/// All keys that `schema` names, with their values in `config`, which may lack defaults. Values
/// that are marked `writeOnly` are not shown.
std::vector<ConfigKey> ConfigKeys(std::string_view schema, std::string_view config);

}  // namespace trellis::plugin
