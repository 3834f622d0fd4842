// The part of a plugin's manifest that the host acts on.
#pragma once

#include <trellis/result.hpp>

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

struct Manifest {
  std::string name;
  std::string version;
  std::vector<ManifestType> types;
  ManifestServices services;
  std::vector<std::string> commands;
  std::vector<std::string> permissions;

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
