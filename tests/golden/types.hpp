// The workload types that the vectors are judged by: the plugins of this build, loaded as daemon
// and command line tool load them, and a test plugin with the published types beyond those.
#pragma once

#include "kernel/grid/reason.hpp"
#include "kernel/plugin/manager.hpp"
#include "tests/golden/vectors.hpp"

#include <trellis/capacity.hpp>
#include <trellis/result.hpp>

#include <set>
#include <string>

namespace trellis::golden {

/// Every type. Loaded by the first call, for the life of the program.
plugin::Manager& AllTypes();

/// The types of the node's own plugins, and those of the test plugin that a row's `extra_types`
/// names.
class RowTypes final : public grid::TypeExaminer {
 public:
  /// The node's own.
  RowTypes() = default;
  /// And the row's; a failed test for one that no plugin has.
  explicit RowTypes(Row const& row);

  [[nodiscard]] bool Known(std::string_view type) const override;
  [[nodiscard]] bool Sharable(std::string_view type) const override;
  [[nodiscard]] bool Updatable(std::string_view type) const override;
  Result<grid::Examined> Examine(grid::Deployment const& deployment, grid::Workload const& workload,
                                 bool check_valid) override;

 private:
  std::set<std::string, std::less<>> extra_;
};

/// The reason code of a refusal.
std::string ReasonOf(Error const& error);
/// `ok`, or the reason code.
template <class T>
std::string Verdict(Result<T> const& result) {
  return result ? "ok" : ReasonOf(result.error());
}
/// What a row expects: `ok` where `flag` is true, else the text at `reason`.
std::string Expected(Row const& row, std::string_view flag, std::string_view reason);

/// The `capacity` of a row.
Capacity CapacityOf(Row const& row);

}  // namespace trellis::golden
