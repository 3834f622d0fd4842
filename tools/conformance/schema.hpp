// The part of JSON Schema that configurations use.
#pragma once

#include <trellis/json.hpp>

#include <string>

namespace trellis::conformance {

/// The first place where `value` is not as `schema` says, "" when it is. Knows type, properties,
/// required, additionalProperties, items, enum, minimum and maximum; passes over all else.
std::string SchemaMismatch(json::Value const& schema, json::Value const& value,
                           std::string const& path);

}  // namespace trellis::conformance
