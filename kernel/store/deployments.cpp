// Deployments and what is counted over all of them.
#include "kernel/store/query.hpp"
#include "kernel/store/records.hpp"

#include <trellis/json.hpp>

namespace trellis::store {
namespace {

std::string_view DesiredText(Desired desired) {
  switch (desired) {
    case Desired::kPresent:
      return "present";
    case Desired::kPaused:
      return "paused";
    case Desired::kAbsent:
      return "absent";
  }
  return "present";
}

Desired DesiredFrom(std::string_view text) {
  if (text == "paused") return Desired::kPaused;
  if (text == "absent") return Desired::kAbsent;
  return Desired::kPresent;
}

#define TRELLIS_HEAD_COLUMNS \
  "twin, contract, version, hash, desired, validated, created, updated, message"
#define TRELLIS_DEPLOYMENT_COLUMNS TRELLIS_HEAD_COLUMNS ", header, doc"

void ReadHeadInto(Statement const& s, DeploymentHead& row) {
  row.key = {static_cast<std::uint32_t>(s.Uint(0)), s.Uint(1)};
  row.version = static_cast<std::uint32_t>(s.Uint(2));
  row.hash = s.Text(3);
  row.desired = DesiredFrom(s.Text(4));
  row.validated = s.Int(5) != 0;
  row.created = s.Int(6);
  row.updated = s.Int(7);
  row.message = s.Text(8);
}

DeploymentHead ReadHead(Statement const& s) {
  DeploymentHead head;
  ReadHeadInto(s, head);
  return head;
}

DeploymentRow ReadDeployment(Statement const& s) {
  DeploymentRow row;
  ReadHeadInto(s, row);
  row.header = s.Text(9);
  row.doc = s.Text(10);
  return row;
}

}  // namespace

Result<std::optional<DeploymentRow>> FindDeployment(Database& db, DeploymentKey key) {
  return One(
      db, "SELECT " TRELLIS_DEPLOYMENT_COLUMNS " FROM deployment WHERE twin = ? AND contract = ?",
      ReadDeployment, key.twin, key.contract);
}

Result<std::string> ReadDocument(Database& db, DeploymentRow const& row) {
  if (!row.doc.empty()) return row.doc;
  TRELLIS_TRY(auto const workloads, ListWorkloads(db, row.key));
  std::string doc = "{" + row.header + R"(,"workloads":[)";
  for (auto const& workload : workloads) {
    if (&workload != &workloads.front()) doc += ',';
    doc += fmt::format(
        R"({{"version":{},"name":{},"type":{},"data":{},"metadata":{},"description":{}}})",
        workload.version, json::Dump(workload.name), json::Dump(workload.type),
        workload.data.empty() ? "null" : workload.data, json::Dump(workload.metadata),
        json::Dump(workload.description));
  }
  return doc + "]}";
}

Result<std::optional<DeploymentHead>> FindHead(Database& db, DeploymentKey key) {
  return One(db, "SELECT " TRELLIS_HEAD_COLUMNS " FROM deployment WHERE twin = ? AND contract = ?",
             ReadHead, key.twin, key.contract);
}

Result<std::vector<DeploymentRow>> ListDeployments(Database& db,
                                                   std::optional<std::uint32_t> twin) {
  if (!twin.has_value())
    return All(db, "SELECT " TRELLIS_DEPLOYMENT_COLUMNS " FROM deployment ORDER BY contract",
               ReadDeployment);
  return All(
      db, "SELECT " TRELLIS_DEPLOYMENT_COLUMNS " FROM deployment WHERE twin = ? ORDER BY contract",
      ReadDeployment, *twin);
}

Result<std::vector<DeploymentHead>> ListHeads(Database& db, std::optional<std::uint32_t> twin) {
  if (!twin.has_value())
    return All(db, "SELECT " TRELLIS_HEAD_COLUMNS " FROM deployment ORDER BY contract", ReadHead);
  return All(db, "SELECT " TRELLIS_HEAD_COLUMNS " FROM deployment WHERE twin = ? ORDER BY contract",
             ReadHead, *twin);
}

Result<void> PutDeployment(Database& db, DeploymentRow const& row) {
  return Run(db,
             "INSERT INTO deployment (" TRELLIS_DEPLOYMENT_COLUMNS
             ") VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (twin, contract) DO UPDATE SET "
             "version = excluded.version, hash = excluded.hash, desired = excluded.desired, "
             "validated = excluded.validated, updated = excluded.updated, "
             "message = excluded.message, header = excluded.header, doc = excluded.doc",
             row.key.twin, row.key.contract, row.version, row.hash, DesiredText(row.desired),
             row.validated, row.created, row.updated, row.message, row.header, row.doc);
}

Result<void> SetDesired(Database& db, DeploymentKey key, Desired desired) {
  return Run(db, "UPDATE deployment SET desired = ? WHERE twin = ? AND contract = ?",
             DesiredText(desired), key.twin, key.contract);
}

Result<void> SetMessage(Database& db, DeploymentKey key, std::string_view message) {
  return Run(db, "UPDATE deployment SET message = ? WHERE twin = ? AND contract = ?", message,
             key.twin, key.contract);
}

Result<void> SetDocument(Database& db, DeploymentKey key, std::uint32_t version,
                         std::string_view doc) {
  return Run(db, "UPDATE deployment SET doc = ? WHERE twin = ? AND contract = ? AND version = ?",
             doc, key.twin, key.contract, version);
}

Result<void> SetValidated(Database& db, DeploymentKey key, std::uint32_t version) {
  return Run(db,
             "UPDATE deployment SET validated = 1 WHERE twin = ? AND contract = ? AND version = ?",
             key.twin, key.contract, version);
}

Result<DeploymentCounts> CountDeployments(Database& db, std::uint32_t twin) {
  TRELLIS_TRY(auto const counts,
              One(
                  db,
                  "SELECT (SELECT deployments FROM twin_total WHERE twin = ?), (SELECT deployments "
                  "FROM total)",
                  [](Statement const& s) {
                    return DeploymentCounts{s.Int(0), s.Int(1)};
                  },
                  twin));
  return counts.value_or(DeploymentCounts{});
}

Result<Totals> ReadTotals(Database& db) {
  TRELLIS_TRY(auto const totals,
              One(db,
                  "SELECT deployments, okay_deployments, okay_workloads, (SELECT MAX(newest) FROM "
                  "status WHERE newest > 0), cru, sru, hru, mru, ipv4u FROM total",
                  [](Statement const& s) {
                    return Totals{s.Int(0),
                                  s.Int(1),
                                  s.Int(2),
                                  s.Int(3),
                                  {s.Uint(4), s.Uint(5), s.Uint(6), s.Uint(7), s.Uint(8)}};
                  }));
  return totals.value_or(Totals{});
}

}  // namespace trellis::store
