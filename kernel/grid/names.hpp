// Names and ids of deployments and workloads.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace trellis::grid {

inline constexpr std::size_t kMaxNameBytes = 36;
inline constexpr std::size_t kUniqueNameChars = 13;
/// What IsValidName wants, for who reads a refusal.
inline constexpr std::string_view kNameRule = "1 to 36 letters, digits or '_', and not 'ygg'";

/// 1..36 bytes of `[a-zA-Z0-9_]`, and not the reserved word `ygg`.
bool IsValidName(std::string_view name);

/// `<twin>-<contract>`.
struct DeploymentId {
  std::uint32_t twin = 0;
  std::uint64_t contract = 0;

  /// Decimal, without leading zeros. kDecode.
  static Result<DeploymentId> Parse(std::string_view text);
  [[nodiscard]] std::string ToString() const;
  auto operator<=>(DeploymentId const&) const = default;
};

/// `<twin>-<contract>-<name>`.
struct WorkloadId {
  std::uint32_t twin = 0;
  std::uint64_t contract = 0;
  std::string name;

  /// Numbers without leading zeros, a valid name. kDecode.
  static Result<WorkloadId> Parse(std::string_view text);
  [[nodiscard]] std::string ToString() const;
  /// The text with '/' for '-'.
  [[nodiscard]] std::string ToPath() const;
  auto operator<=>(WorkloadId const&) const = default;
};

/// 13 characters that stand for a workload and a purpose: names of devices and filters.
std::string UniqueName(WorkloadId const& id, std::string_view suffix);

/// 13 characters that stand for a twin's network, the same in each of its contracts.
std::string NetworkId(std::uint32_t twin, std::string_view network);

}  // namespace trellis::grid
