#include "kernel/store/listings.hpp"

#include "kernel/store/query.hpp"
#include "kernel/store/workload_rows.hpp"

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

Result<WorkloadPage> ListWorkloadsAfter(Database& db, DeploymentKey after, std::size_t limit) {
  WorkloadPage page;
  auto const take = [&](Statement const& s) -> Result<void> {
    page.last = ReadKey(s);
    return WalkBody(db, page.last, BodyAt(s, 2), [&](BodyHead const&, WorkloadView const* view) {
      if (view != nullptr) page.rows.push_back(RowOf(page.last, *view));
    });
  };
  TRELLIS_TRY(auto const walked,
              All(db,
                  "SELECT twin, contract, w.body, s.body FROM deployment d JOIN workloads w USING "
                  "(id) LEFT JOIN status s USING (id) WHERE (contract, twin) > (?2, ?1) ORDER BY "
                  "contract, twin LIMIT ?3",
                  take, after.twin, after.contract, limit));
  for (auto const& each : walked)
    TRELLIS_CHECK(each);
  page.more = walked.size() == limit;
  return page;
}

Result<std::vector<std::pair<std::string, std::string>>> ListWorkloadIds(Database& db) {
  std::vector<std::pair<std::string, std::string>> ids;
  auto const take = [&](Statement const& s) -> Result<void> {
    auto const key = ReadKey(s);
    return WalkBody(db, key, BodyAt(s, 2), [&](BodyHead const&, WorkloadView const* view) {
      if (view != nullptr)
        ids.emplace_back(fmt::format("{}-{}-{}", key.twin, key.contract, view->name), view->type);
    });
  };
  TRELLIS_TRY(
      auto const walked,
      All(db,
          "SELECT twin, contract, w.body, s.body FROM deployment d JOIN workloads w USING (id) "
          "LEFT JOIN status s USING (id)",
          take));
  for (auto const& each : walked)
    TRELLIS_CHECK(each);
  return ids;
}

Result<std::optional<std::string>> FindTombstone(Database& db, DeploymentKey key) {
  return One(
      db,
      "SELECT history FROM tombstone WHERE twin = ?1 AND contract = ?2 ORDER BY removed DESC LIMIT "
      "1",
      [](Statement const& s) { return s.Text(0); }, key.twin, key.contract);
}

}  // namespace trellis::store
