// The journal: jobs, their steps, and what is reserved.
#include "kernel/store/records.hpp"

namespace trellis::store {
namespace {

#define TRELLIS_JOB_COLUMNS \
  "id, twin, contract, kind, version, doc, target, reason, attempts, not_before, created, error"

JobRow ReadJob(Statement const& s) {
  JobRow row;
  row.id = s.Int(0);
  row.key = {static_cast<std::uint32_t>(s.Uint(1)), s.Uint(2)};
  row.kind = static_cast<JobKind>(s.Int(3));
  row.version = static_cast<std::uint32_t>(s.Uint(4));
  row.doc = s.Text(5);
  row.target = s.Text(6);
  row.reason = s.Text(7);
  row.attempts = static_cast<std::uint32_t>(s.Uint(8));
  row.not_before = s.Int(9);
  row.created = s.Int(10);
  row.error = s.Text(11);
  return row;
}

Capacity ReadCapacity(Statement const& s) {
  Capacity capacity;
  capacity.cru = s.Uint(0);
  capacity.mru = s.Uint(1);
  capacity.sru = s.Uint(2);
  capacity.hru = s.Uint(3);
  capacity.ipv4u = s.Uint(4);
  return capacity;
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
  TRELLIS_TRY(auto* s, db.Cached("INSERT INTO job (twin, contract, kind, version, doc, target, "
                                 "reason, attempts, not_before, created, error) "
                                 "VALUES (?,?,?,?,?,?,?,?,?,?,?)"));
  TRELLIS_CHECK(s->BindAll(row.key.twin, row.key.contract, row.kind, row.version, row.doc,
                           row.target, row.reason, row.attempts, row.not_before, row.created,
                           row.error)
                    .Run());
  return db.LastInsertId();
}

Result<std::vector<JobRow>> ListJobs(Database& db, std::optional<DeploymentKey> key) {
  Statement* s = nullptr;
  if (key.has_value()) {
    TRELLIS_TRY(s, db.Cached("SELECT " TRELLIS_JOB_COLUMNS
                             " FROM job WHERE twin = ? AND contract = ? ORDER BY id"));
    s->BindAll(key->twin, key->contract);
  } else {
    TRELLIS_TRY(s, db.Cached("SELECT " TRELLIS_JOB_COLUMNS " FROM job ORDER BY id"));
  }
  std::vector<JobRow> rows;
  while (true) {
    TRELLIS_TRY(bool const more, s->Step());
    if (!more) break;
    rows.push_back(ReadJob(*s));
  }
  s->Reset();
  return rows;
}

Result<void> UpdateJob(Database& db, JobRow const& row) {
  TRELLIS_TRY(auto* s,
              db.Cached("UPDATE job SET attempts = ?, not_before = ?, error = ? WHERE id = ?"));
  return s->BindAll(row.attempts, row.not_before, row.error, row.id).Run();
}

Result<void> EraseJob(Database& db, std::int64_t id) {
  TRELLIS_TRY(auto* s, db.Cached("DELETE FROM job WHERE id = ?"));
  return s->BindAll(id).Run();
}

Result<std::vector<std::int64_t>> EraseUnstartedJobs(Database& db, DeploymentKey key,
                                                     std::int64_t except) {
  TRELLIS_TRY(auto* find, db.Cached("SELECT id FROM job WHERE twin = ? AND contract = ? AND id <> "
                                    "? AND id NOT IN (SELECT job FROM step)"));
  find->BindAll(key.twin, key.contract, except);
  std::vector<std::int64_t> ids;
  while (true) {
    TRELLIS_TRY(bool const more, find->Step());
    if (!more) break;
    ids.push_back(find->Int(0));
  }
  find->Reset();
  for (auto const id : ids)
    TRELLIS_CHECK(EraseJob(db, id));
  return ids;
}

Result<void> PutStep(Database& db, StepRow const& row) {
  TRELLIS_TRY(auto* s, db.Cached("INSERT OR REPLACE INTO step (job, name, op, idx, state, crashes, "
                                 "generation) VALUES (?,?,?,?,?,?,?)"));
  return s->BindAll(row.job, row.name, row.op, row.idx, row.state, row.crashes, row.generation)
      .Run();
}

Result<std::vector<StepRow>> ListSteps(Database& db, std::int64_t job) {
  TRELLIS_TRY(auto* s, db.Cached("SELECT job, name, op, idx, state, crashes, generation FROM step "
                                 "WHERE job = ? ORDER BY idx"));
  s->BindAll(job);
  std::vector<StepRow> rows;
  while (true) {
    TRELLIS_TRY(bool const more, s->Step());
    if (!more) break;
    rows.push_back({s->Int(0), s->Text(1), static_cast<std::uint8_t>(s->Uint(2)),
                    static_cast<std::uint32_t>(s->Uint(3)), static_cast<StepState>(s->Int(4)),
                    static_cast<std::uint32_t>(s->Uint(5)), s->Int(6)});
  }
  s->Reset();
  return rows;
}

Result<void> PutReservation(Database& db, DeploymentKey key, std::string_view name,
                            Capacity const& capacity) {
  TRELLIS_TRY(auto* s, db.Cached("INSERT OR REPLACE INTO reservation (twin, contract, name, cru, "
                                 "mru, sru, hru, ipv4u) VALUES (?,?,?,?,?,?,?,?)"));
  return s
      ->BindAll(key.twin, key.contract, name, capacity.cru, capacity.mru, capacity.sru,
                capacity.hru, capacity.ipv4u)
      .Run();
}

Result<void> EraseReservation(Database& db, DeploymentKey key, std::string_view name) {
  TRELLIS_TRY(auto* s,
              db.Cached("DELETE FROM reservation WHERE twin = ? AND contract = ? AND name = ?"));
  return s->BindAll(key.twin, key.contract, name).Run();
}

Result<std::optional<Capacity>> FindReservation(Database& db, DeploymentKey key,
                                                std::string_view name) {
  TRELLIS_TRY(auto* s, db.Cached("SELECT cru, mru, sru, hru, ipv4u FROM reservation WHERE twin = ? "
                                 "AND contract = ? AND name = ?"));
  TRELLIS_TRY(bool const found, s->BindAll(key.twin, key.contract, name).Step());
  std::optional<Capacity> capacity;
  if (found) capacity = ReadCapacity(*s);
  s->Reset();
  return capacity;
}

Result<Capacity> SumReservations(Database& db) {
  TRELLIS_TRY(
      auto* s,
      db.Cached(
          "SELECT TOTAL(cru), TOTAL(mru), TOTAL(sru), TOTAL(hru), TOTAL(ipv4u) FROM reservation"));
  TRELLIS_TRY(bool const found, s->Step());
  Capacity sum;
  if (found) sum = ReadCapacity(*s);
  s->Reset();
  return sum;
}

}  // namespace trellis::store
