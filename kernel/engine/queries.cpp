#include "kernel/engine/queries.hpp"

#include "kernel/engine/capacity.hpp"
#include "kernel/engine/view.hpp"

#include <trellis/json.hpp>

#include <algorithm>

namespace trellis::engine {
namespace {

constexpr char const* kNotFound = "deployment not found";

tl::unexpected<Refusal> NotFound() {
  return tl::unexpected<Refusal>(Refusal{404, kNotFound, "not_found"});
}

bool IsActive(std::vector<store::WorkloadRow> const& rows) {
  return std::any_of(rows.begin(), rows.end(), [](auto const& row) {
    return row.state != "error" && row.state != "deleted";
  });
}

}  // namespace

tl::unexpected<Refusal> Trouble(Error const& error) {
  bool const later = error.code == Code::kUnavailable || error.code == Code::kTimeout ||
                     error.code == Code::kExhausted || error.code == Code::kIo ||
                     error.code == Code::kBusy;
  return tl::unexpected<Refusal>(
      Refusal{later ? 503 : 500, later ? error.message : "internal error", "internal"});
}

std::string NotLoaded(std::string_view type) {
  return fmt::format("plugin for type '{}' is not loaded", type);
}

void Queries::TellNotLoaded(std::vector<store::WorkloadRow>& rows) const {
  auto const types = context_.types.Get();
  for (auto& row : rows) {
    if (types->contains(row.type)) continue;
    if (row.IsOkay() || row.message.empty()) row.message = NotLoaded(row.type);
  }
}

Answer Queries::Get(store::DeploymentKey key) {
  auto found = context_.readers.Run([&](store::Database& db) -> Result<std::string> {
    TRELLIS_TRY(auto const row, store::FindDeployment(db, key));
    if (!row.has_value()) return std::string();
    TRELLIS_TRY(auto workloads, store::ListWorkloads(db, key));
    TellNotLoaded(workloads);
    return DeploymentJson(*row, workloads);
  });
  if (!found) return Trouble(found.error());
  if (found->empty()) return NotFound();
  return *std::move(found);
}

Answer Queries::List(std::uint32_t twin) {
  auto items = context_.readers.Run([&](store::Database& db) -> Result<std::vector<std::string>> {
    std::vector<std::string> texts;
    TRELLIS_TRY(auto const rows, store::ListDeployments(db, twin));
    for (auto const& row : rows) {
      TRELLIS_TRY(auto workloads, store::ListWorkloads(db, row.key));
      if (!IsActive(workloads)) continue;
      TellNotLoaded(workloads);
      texts.push_back(DeploymentJson(row, workloads));
    }
    return texts;
  });
  if (!items) return Trouble(items.error());
  return fmt::format("[{}]", fmt::join(*items, ","));
}

Answer Queries::Changes(store::DeploymentKey key) {
  auto found = context_.readers.Run([&](store::Database& db) -> Result<std::string> {
    TRELLIS_TRY(auto const head, store::FindHead(db, key));
    if (!head.has_value()) return std::string();
    TRELLIS_TRY(auto const entries, store::ListChanges(db, key));
    return WorkloadListJson(entries);
  });
  if (!found) return Trouble(found.error());
  if (found->empty()) return NotFound();
  return *std::move(found);
}

Result<Statistics> Queries::Count() {
  auto const node = MeasureCapacity(context_);
  TRELLIS_TRY(auto const totals, context_.readers.Run(store::ReadTotals));
  Statistics statistics;
  statistics.total = node.total;
  statistics.system = node.system;
  statistics.used = node.system;
  statistics.used += totals.reserved;
  statistics.deployments = totals.okay_deployments;
  statistics.workloads = totals.okay_workloads;
  statistics.last_deployment = totals.newest;
  return statistics;
}

}  // namespace trellis::engine
