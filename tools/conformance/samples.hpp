// What an author gives beside the plugin: a configuration, and valid data of each type.
#pragma once

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <map>
#include <string>

namespace trellis::conformance {

struct TypeSample {
  json::Raw data;
};
BOOST_DESCRIBE_STRUCT(TypeSample, (), (data))

struct Samples {
  json::Raw config;
  std::map<std::string, TypeSample> types;
  /// Replies of services that the plugin calls: `{"trellis.storage.disk/1": {"create": {…}}}`.
  std::map<std::string, std::map<std::string, json::Raw>> services;

  /// kIo, kDecode
  static Result<Samples> Read(std::string const& path);
  [[nodiscard]] std::string ConfigText() const { return config.text.empty() ? "{}" : config.text; }
  /// "" when there is none.
  [[nodiscard]] std::string DataOf(std::string const& type) const {
    auto const found = types.find(type);
    return found == types.end() ? std::string() : found->second.data.text;
  }
};
BOOST_DESCRIBE_STRUCT(Samples, (), (config, types, services))

}  // namespace trellis::conformance
