// What clients see of the node's store, handed out without a copy: their answers are made of it.
#pragma once

#include "kernel/store/database.hpp"
#include "kernel/store/rows.hpp"
#include "kernel/store/workload_body.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace trellis::store {

/// A workload as clients see it, or as an entry of the history shows it. Borrows from what it was
/// read of.
struct ShownWorkload {
  std::int64_t rank = 0;  ///< the smaller is shown first: position in the document, or age
  std::uint32_t version = 0;
  std::int64_t created = 0;
  std::string_view name;
  std::string_view type;
  std::string_view data;  ///< raw JSON
  std::string_view metadata;
  std::string_view description;
  std::string_view state;
  std::string_view message;
  std::string_view result;  ///< raw JSON, "" = null
};
[[nodiscard]] ShownWorkload Shown(WorkloadRow const& row);
[[nodiscard]] ShownWorkload Shown(WorkloadView const& view);

/// Called for each; what it gets is gone when it returns. Must not use the connection.
using ShowWorkload = std::function<void(ShownWorkload const&)>;
using ShowHeader = std::function<void(std::uint64_t contract, std::string_view header)>;

/// DeploymentRow::header.
Result<std::optional<std::string>> FindHeader(Database& db, DeploymentKey key);
/// Of a twin, by contract.
Result<void> ShowHeaders(Database& db, std::uint32_t twin, ShowHeader const& show);
/// In document order.
Result<void> ShowWorkloads(Database& db, DeploymentKey key, ShowWorkload const& show);
/// The history: the rank says the age.
Result<void> ShowChanges(Database& db, DeploymentKey key, ShowWorkload const& show);
/// The part of it that no stored workload shows any more, by age.
Result<void> ShowOlder(Database& db, DeploymentKey key, ShowWorkload const& show);

}  // namespace trellis::store
