// What the plugin says about itself before any of its code runs. `config.schema` is a JSON Schema: the host checks the
// operator's configuration with it and fills in the defaults.
#pragma once

inline constexpr char const* k@CLASS@Manifest = R"json({
  "manifest": 1,
  "name": "@NAME@",
  "version": "0.1.0",
  "summary": "keeps a text",
  "services": {"provides": [], "requires": [], "wants": []},
  "permissions": [],
  "config": {
    "version": 1,
    "schema": {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "max_bytes": {"type": "integer", "minimum": 1, "maximum": 1048576, "default": 1024}
      }
    }
  }
})json";
