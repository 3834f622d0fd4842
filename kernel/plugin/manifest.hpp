// The part of a plugin's manifest that the host acts on.
#pragma once

#include <trellis/result.hpp>

#include <boost/describe.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugin {

struct ManifestType {
  std::string name;
  std::map<std::string, std::uint32_t> deadline_s;  ///< per operation
  bool provision = true;  ///< false: a type whose documents are understood, but never brought up
};
struct ManifestServices {
  std::vector<std::string> provides;
  std::vector<std::string> requires_;
  std::vector<std::string> wants;
};

/// What a manifest file says about the library beside it.
struct FileFacts {
  std::string name;
  std::uint64_t size = 0;
  std::string blake2b_256;  ///< hex
};
BOOST_DESCRIBE_STRUCT(FileFacts, (), (name, size, blake2b_256))

/// The plugin ABI that a plugin was built for.
struct AbiFacts {
  std::uint32_t major = 0;
  std::uint32_t built = 0;     ///< minor version of the header
  std::uint32_t required = 0;  ///< the least minor version of a host
  bool operator==(AbiFacts const&) const = default;
};
BOOST_DESCRIBE_STRUCT(AbiFacts, (), (major, built, required))

struct Manifest {
  std::string name;
  std::string version;
  std::string summary;
  std::vector<ManifestType> types;
  ManifestServices services;
  std::vector<std::string> commands;
  std::vector<std::string> providers;  ///< `<kind> <name>`
  std::vector<std::string> permissions;
  std::uint32_t config_version = 1;
  std::string config_schema;  ///< JSON Schema of the configuration; "" = there is none
  std::uint32_t state_version = 1;
  FileFacts file;  ///< only in manifest files
  AbiFacts abi;    ///< only in manifest files

  /// A manifest file. kInvalid when the text is none, or lacks what only a file has.
  static Result<Manifest> ParseFile(std::string_view text);
  /// kInvalid when `text` is not a manifest or contradicts `name` and `version`.
  static Result<Manifest> Parse(std::string_view text, std::string_view name,
                                std::string_view version);
  /// May the plugin call service `id`?
  [[nodiscard]] bool MayCall(std::string_view id) const;
  /// Can workloads of the type be brought up?
  [[nodiscard]] bool Provisions(std::string_view type) const;
  /// The limit of `operation` for `type`; `fallback` when the manifest says nothing, at most 15
  /// min.
  [[nodiscard]] std::chrono::seconds Deadline(std::string_view type, std::string_view operation,
                                              std::chrono::seconds fallback) const;
};

}  // namespace trellis::plugin
