// The visible history of workloads: bounded and collapsed, so that clients that count entries keep
// working.
#include "kernel/store/records.hpp"

namespace trellis::store {
namespace {

constexpr std::int64_t kMaxPerWorkload = 64;
constexpr std::int64_t kMaxPerDeployment = 512;

struct Newest {
  std::int64_t seq = 0;
  std::uint32_t version = 0;
  std::string state;
};

Result<std::optional<Newest>> FindNewest(Database& db, DeploymentKey key, std::string_view name) {
  TRELLIS_TRY(
      auto* s,
      db.Cached(
          "SELECT seq, version, state FROM change WHERE twin = ? AND contract = ? AND name = ? "
          "ORDER BY seq DESC LIMIT 1"));
  TRELLIS_TRY(bool const found, s->BindAll(key.twin, key.contract, name).Step());
  std::optional<Newest> newest;
  if (found) newest = Newest{s->Int(0), static_cast<std::uint32_t>(s->Uint(1)), s->Text(2)};
  s->Reset();
  return newest;
}

/// Drops the oldest entries above the limits, never the newest of a workload nor its newest `init`.
Result<void> Trim(Database& db, WorkloadRow const& row) {
  TRELLIS_TRY(auto* per_name, db.Cached("DELETE FROM change WHERE twin = ?1 AND contract = ?2 AND "
                                        "name = ?3 AND state <> 'init' AND seq NOT IN "
                                        "(SELECT seq FROM change WHERE twin = ?1 AND contract = ?2 "
                                        "AND name = ?3 ORDER BY seq DESC LIMIT ?4)"));
  TRELLIS_CHECK(per_name->BindAll(row.key.twin, row.key.contract, row.name, kMaxPerWorkload).Run());
  TRELLIS_TRY(
      auto* all,
      db.Cached(
          "DELETE FROM change WHERE twin = ?1 AND contract = ?2 AND seq NOT IN "
          "(SELECT seq FROM change WHERE twin = ?1 AND contract = ?2 ORDER BY seq DESC LIMIT ?3) "
          "AND seq NOT IN (SELECT MAX(seq) FROM change WHERE twin = ?1 AND contract = ?2 GROUP BY "
          "name) "
          "AND seq NOT IN (SELECT MAX(seq) FROM change WHERE twin = ?1 AND contract = ?2 AND state "
          "= 'init' GROUP BY name)"));
  return all->BindAll(row.key.twin, row.key.contract, kMaxPerDeployment).Run();
}

}  // namespace

Result<void> AddChange(Database& db, WorkloadRow const& row, std::string_view body) {
  TRELLIS_TRY(auto const newest, FindNewest(db, row.key, row.name));
  if (newest.has_value() && newest->version == row.version && newest->state == row.state) {
    TRELLIS_TRY(auto* s, db.Cached("UPDATE change SET body = ? WHERE seq = ?"));
    return s->BindAll(body, newest->seq).Run();
  }
  if (row.state == "ok") {
    TRELLIS_TRY(
        auto* s,
        db.Cached(
            "DELETE FROM change WHERE twin = ?1 AND contract = ?2 AND name = ?3 AND version = ?4 "
            "AND state <> 'init' AND EXISTS (SELECT 1 FROM change WHERE twin = ?1 AND contract = "
            "?2 "
            "AND name = ?3 AND version = ?4 AND state = 'ok')"));
    TRELLIS_CHECK(s->BindAll(row.key.twin, row.key.contract, row.name, row.version).Run());
  }
  TRELLIS_TRY(auto* s, db.Cached("INSERT INTO change (twin, contract, name, type, version, state, "
                                 "body) VALUES (?,?,?,?,?,?,?)"));
  TRELLIS_CHECK(
      s->BindAll(row.key.twin, row.key.contract, row.name, row.type, row.version, row.state, body)
          .Run());
  return Trim(db, row);
}

Result<void> CompactChanges(Database& db, DeploymentKey key, std::string_view name,
                            std::uint32_t version) {
  TRELLIS_TRY(auto* s, db.Cached("DELETE FROM change WHERE twin = ?1 AND contract = ?2 AND name = "
                                 "?3 AND version = ?4 AND state <> 'init' "
                                 "AND seq <> (SELECT MAX(seq) FROM change WHERE twin = ?1 AND "
                                 "contract = ?2 AND name = ?3 AND version = ?4)"));
  return s->BindAll(key.twin, key.contract, name, version).Run();
}

Result<std::vector<std::string>> ListChanges(Database& db, DeploymentKey key) {
  TRELLIS_TRY(auto* s,
              db.Cached("SELECT body FROM change WHERE twin = ? AND contract = ? ORDER BY seq"));
  s->BindAll(key.twin, key.contract);
  std::vector<std::string> bodies;
  while (true) {
    TRELLIS_TRY(bool const more, s->Step());
    if (!more) break;
    bodies.push_back(s->Text(0));
  }
  s->Reset();
  return bodies;
}

}  // namespace trellis::store
