// Stored rows as clients see them: the JSON of workloads and deployments.
#pragma once

#include "kernel/grid/deployment.hpp"
#include "kernel/store/rows.hpp"
#include "kernel/store/shown.hpp"

#include <string>
#include <vector>

namespace trellis::engine {

/// The workload with its result:
/// {"version","name","type","data","metadata","description","result":{…}}.
[[nodiscard]] std::string WorkloadJson(store::WorkloadRow const& row);
/// A JSON list of such, filled in any order and shown by rank.
class WorkloadList {
 public:
  /// Appends to `out`, which nobody else touches until Close.
  explicit WorkloadList(std::string& out);
  void Add(store::ShownWorkload const& workload);
  void Close();

 private:
  struct Piece {
    std::int64_t rank = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  void Sort();

  std::string& out_;
  std::size_t begin_;
  std::vector<Piece> pieces_;
};
/// A list of such, as it is.
[[nodiscard]] std::string WorkloadListJson(std::vector<store::WorkloadRow> const& rows);
/// The same for plugins, with "id" first.
[[nodiscard]] std::string PluginWorkloadJson(store::WorkloadRow const& row);
/// The members of an accepted deployment but its workloads, without braces: DeploymentRow::header.
[[nodiscard]] std::string HeaderJson(grid::Deployment const& deployment);
/// The stored header with the shown workloads, in document order.
[[nodiscard]] std::string DeploymentJson(store::DeploymentRow const& row,
                                         std::vector<store::WorkloadRow> const& workloads);

}  // namespace trellis::engine
