#include "kernel/store/listings.hpp"

#include "kernel/store/query.hpp"

namespace trellis::store {
namespace {

DeploymentKey ReadKey(Statement const& s) {
  return {static_cast<std::uint32_t>(s.Uint(0)), s.Uint(1)};
}

Desired DesiredOf(std::string_view text) {
  if (text == "paused") return Desired::kPaused;
  if (text == "absent") return Desired::kAbsent;
  return Desired::kPresent;
}

DeploymentBrief ReadDeploymentBrief(Statement const& s) {
  return {ReadKey(s), static_cast<std::uint32_t>(s.Uint(2)), DesiredOf(s.Text(3)), s.Int(4),
          s.Text(5)};
}

WorkloadBrief ReadWorkloadBrief(Statement const& s) {
  return {ReadKey(s), s.Text(2), s.Text(3),     static_cast<std::uint32_t>(s.Uint(4)),
          s.Text(5),  s.Text(6), s.Int(7) != 0, s.Int(8)};
}

#define TRELLIS_WORKLOAD_BRIEF \
  "SELECT twin, contract, name, type, pos, state, message, eff_version IS NOT NULL, next_try "

}  // namespace

Result<std::vector<DeploymentBrief>> ListBriefs(Database& db, DeploymentKey after,
                                                std::size_t limit) {
  return All(db,
             "SELECT twin, contract, version, desired, created, message FROM deployment WHERE "
             "(contract, twin) > (?2, ?1) ORDER BY contract, twin LIMIT ?3",
             ReadDeploymentBrief, after.twin, after.contract, limit);
}

Result<std::vector<DeploymentBrief>> ListBriefsOf(Database& db, std::uint32_t twin) {
  return All(db,
             "SELECT twin, contract, version, desired, created, message FROM deployment WHERE "
             "twin = ?1 ORDER BY contract",
             ReadDeploymentBrief, twin);
}

Result<std::vector<WorkloadBrief>> ListWorkloadBriefs(Database& db, WorkloadCursor const& after,
                                                      std::size_t limit) {
  return All(db,
             TRELLIS_WORKLOAD_BRIEF
             "FROM workload WHERE (contract, twin, name) > (?2, ?1, ?3) ORDER BY contract, twin, "
             "name LIMIT ?4",
             ReadWorkloadBrief, after.key.twin, after.key.contract, after.name, limit);
}

Result<std::vector<WorkloadBrief>> ListWorkloadBriefsOf(Database& db, DeploymentKey key) {
  return All(db,
             TRELLIS_WORKLOAD_BRIEF
             "FROM workload WHERE twin = ?1 AND contract = ?2 ORDER BY pos, name",
             ReadWorkloadBrief, key.twin, key.contract);
}

Result<std::vector<std::pair<std::string, std::string>>> ListWorkloadIds(Database& db) {
  return All(db, "SELECT twin, contract, name, type FROM workload", [](Statement const& s) {
    auto const key = ReadKey(s);
    return std::pair(fmt::format("{}-{}-{}", key.twin, key.contract, s.Text(2)), s.Text(3));
  });
}

Result<std::optional<std::string>> FindTombstone(Database& db, DeploymentKey key) {
  return One(
      db,
      "SELECT history FROM tombstone WHERE twin = ?1 AND contract = ?2 ORDER BY removed DESC LIMIT "
      "1",
      [](Statement const& s) { return s.Text(0); }, key.twin, key.contract);
}

}  // namespace trellis::store
