// Reading the workloads of stored deployments. Shared by the files of this folder.
#pragma once

#include "kernel/store/query.hpp"
#include "kernel/store/records.hpp"
#include "kernel/store/workload_body.hpp"

#include <utility>

namespace trellis::store {

inline constexpr std::string_view kFindBody =
    "SELECT w.body, s.body, d.id FROM deployment d JOIN workloads w ON w.id = d.id LEFT JOIN "
    "status "
    "s ON s.id = d.id WHERE d.contract = ? AND d.twin = ?";

/// Columns: wanted, status.
inline Body BodyAt(Statement const& s, int column) {
  return {s.View(column), s.View(column + 1)};
}

/// Borrows from the row; without entries.
[[nodiscard]] WorkloadView ViewOf(WorkloadRow const& row);
[[nodiscard]] WorkloadRow RowOf(DeploymentKey key, WorkloadView const& view);

/// Calls `each(BodyHead const&, WorkloadView const*)` for each workload in document order, and once
/// with null where there is none in the body.
template <class Each>
Result<void> WalkWorkloads(Body const& body, Each const& each) {
  TRELLIS_TRY(auto reader, BodyReader::Open(body));
  WorkloadView view;
  bool any = false;
  for (;;) {
    TRELLIS_TRY(bool const more, reader.Next(view));
    if (!more) break;
    any = true;
    each(reader.head(), &view);
  }
  if (!any) each(reader.head(), nullptr);
  return {};
}

/// The same for the body of `key`, which is damage of the store when it cannot be read. `each` must
/// not use the connection; what it gets is gone when it returns.
template <class Each>
Result<void> WalkBody(Database& db, DeploymentKey key, Body const& body, Each const& each) {
  auto walked = WalkWorkloads(body, each);
  if (walked) return walked;
  auto error = std::move(walked).error().With("deployment {}-{}", key.twin, key.contract);
  db.ReportDamage(error.message);
  return tl::unexpected<Error>(std::move(error));
}

/// The same for a stored deployment; not at all when it has no workloads.
template <class Each>
Result<void> ReadBody(Database& db, DeploymentKey key, Each const& each) {
  TRELLIS_TRY(auto* const statement, db.Cached(kFindBody));
  statement->BindAll(key.contract, key.twin);
  TRELLIS_TRY(bool const found, statement->Step());
  auto walked = found ? WalkBody(db, key, BodyAt(*statement, 0), each) : Result<void>();
  statement->Reset();
  return walked;
}

}  // namespace trellis::store
