// The journal: jobs, their steps, and what is reserved.
#include "kernel/store/query.hpp"
#include "kernel/store/records.hpp"

namespace trellis::store {
namespace {

#define TRELLIS_JOB_COLUMNS                                                                  \
  "twin, contract, kind, version, attempts, crashes, not_before, created, started, target, " \
  "reason, error, doc"

JobRow ReadJob(Statement const& s) {
  JobRow row;
  row.id = s.Int(0);
  row.key = {static_cast<std::uint32_t>(s.Uint(1)), s.Uint(2)};
  row.kind = static_cast<JobKind>(s.Int(3));
  row.version = static_cast<std::uint32_t>(s.Uint(4));
  row.attempts = static_cast<std::uint32_t>(s.Uint(5));
  row.crashes = static_cast<std::uint32_t>(s.Uint(6));
  row.not_before = s.Int(7);
  row.created = s.Int(8);
  row.started = s.Int(9);
  row.target = s.Text(10);
  row.reason = s.Text(11);
  row.error = s.Text(12);
  row.doc = s.Text(13);
  return row;
}

Capacity ReadCapacity(Statement const& s) {
  return {s.Uint(0), s.Uint(1), s.Uint(2), s.Uint(3), s.Uint(4)};
}

std::int64_t ReadId(Statement const& s) {
  return s.Int(0);
}

}  // namespace

std::string_view ToText(JobKind kind) {
  switch (kind) {
    case JobKind::kApply:
      return "apply";
    case JobKind::kRemove:
      return "remove";
    case JobKind::kPause:
      return "pause";
    case JobKind::kResume:
      return "resume";
    case JobKind::kRestore:
      return "restore";
    case JobKind::kRepair:
      return "repair";
    case JobKind::kFail:
      return "fail";
  }
  return "unknown";
}

Result<std::int64_t> AddJob(Database& db, JobRow const& row) {
  TRELLIS_CHECK(
      Run(db, "INSERT INTO job (" TRELLIS_JOB_COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
          row.key.twin, row.key.contract, row.kind, row.version, row.attempts, row.crashes,
          row.not_before, row.created, row.started, row.target, row.reason, row.error, row.doc));
  return db.LastInsertId();
}

Result<std::optional<JobRow>> FindJob(Database& db, std::int64_t id) {
  TRELLIS_TRY(auto job,
              One(db, "SELECT id, " TRELLIS_JOB_COLUMNS " FROM job WHERE id = ?", ReadJob, id));
  if (!job.has_value() || job->kind != JobKind::kApply || !job->doc.empty()) return job;
  TRELLIS_TRY(auto const deployment, FindDeployment(db, job->key));
  if (deployment.has_value()) {
    TRELLIS_TRY(job->doc, ReadDocument(db, *deployment));
  }
  return job;
}

Result<std::vector<JobRow>> ListJobs(Database& db, std::optional<DeploymentKey> key) {
  if (!key.has_value())
    return All(db, "SELECT id, " TRELLIS_JOB_COLUMNS " FROM job ORDER BY id", ReadJob);
  return All(
      db, "SELECT id, " TRELLIS_JOB_COLUMNS " FROM job WHERE twin = ? AND contract = ? ORDER BY id",
      ReadJob, key->twin, key->contract);
}

Result<std::vector<JobRow>> ListQueue(Database& db) {
  return All(db,
             "SELECT id, twin, contract, kind, version, attempts, crashes, not_before, created, "
             "started, target, reason, error, '' FROM job ORDER BY id",
             ReadJob);
}

Result<void> UpdateJob(Database& db, JobRow const& row) {
  return Run(db,
             "UPDATE job SET attempts = ?, crashes = ?, not_before = ?, started = ?, error = ? "
             "WHERE id = ?",
             row.attempts, row.crashes, row.not_before, row.started, row.error, row.id);
}

Result<void> EraseJob(Database& db, std::int64_t id) {
  return Run(db, "DELETE FROM job WHERE id = ?", id);
}

Result<std::optional<std::int64_t>> FindEqualJob(Database& db, DeploymentKey key, JobKind kind,
                                                 std::string_view target) {
  if (kind != JobKind::kPause && kind != JobKind::kResume)
    return One(db, "SELECT id FROM job WHERE twin = ? AND contract = ? AND kind = ? AND target = ?",
               ReadId, key.twin, key.contract, kind, target);
  TRELLIS_TRY(
      auto const newest,
      One(
          db,
          "SELECT id, kind FROM job WHERE twin = ? AND contract = ? AND kind IN (?, ?) "
          "ORDER BY id DESC LIMIT 1",
          [](Statement const& s) { return std::pair(s.Int(0), static_cast<JobKind>(s.Int(1))); },
          key.twin, key.contract, JobKind::kPause, JobKind::kResume));
  if (!newest.has_value() || newest->second != kind) return std::optional<std::int64_t>();
  return std::optional(newest->first);
}

Result<void> KeepDocument(Database& db, DeploymentKey key, std::string_view doc) {
  return Run(db, "UPDATE job SET doc = ? WHERE twin = ? AND contract = ? AND kind = ? AND doc = ''",
             doc, key.twin, key.contract, JobKind::kApply);
}

Result<std::vector<std::int64_t>> EraseUnstartedJobs(Database& db, DeploymentKey key,
                                                     std::int64_t except) {
  TRELLIS_TRY(auto const ids,
              All(db,
                  "SELECT id FROM job WHERE twin = ? AND contract = ? AND id <> ? AND steps = "
                  "'[]'",
                  ReadId, key.twin, key.contract, except));
  for (auto const id : ids)
    TRELLIS_CHECK(EraseJob(db, id));
  return ids;
}

Result<void> PutReservation(Database& db, DeploymentKey key, std::string_view name,
                            Capacity const& capacity) {
  return Run(db,
             "INSERT INTO reservation (twin, contract, name, cru, mru, sru, hru, ipv4u) VALUES "
             "(?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET cru = excluded.cru, mru = excluded.mru, "
             "sru = excluded.sru, hru = excluded.hru, ipv4u = excluded.ipv4u",
             key.twin, key.contract, name, capacity.cru, capacity.mru, capacity.sru, capacity.hru,
             capacity.ipv4u);
}

Result<void> EraseReservation(Database& db, DeploymentKey key, std::string_view name) {
  return Run(db, "DELETE FROM reservation WHERE twin = ? AND contract = ? AND name = ?", key.twin,
             key.contract, name);
}

Result<std::optional<Capacity>> FindReservation(Database& db, DeploymentKey key,
                                                std::string_view name) {
  return One(db,
             "SELECT cru, sru, hru, mru, ipv4u FROM reservation WHERE twin = ? AND contract = ? "
             "AND name = ?",
             ReadCapacity, key.twin, key.contract, name);
}

Result<Capacity> SumReservations(Database& db) {
  TRELLIS_TRY(auto const sum, One(db, "SELECT cru, sru, hru, mru, ipv4u FROM total", ReadCapacity));
  return sum.value_or(Capacity{});
}

}  // namespace trellis::store
