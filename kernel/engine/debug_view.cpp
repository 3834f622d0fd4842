#include "kernel/engine/debug_view.hpp"

#include "kernel/engine/queries.hpp"
#include "kernel/engine/view.hpp"
#include "kernel/grid/deployment.hpp"
#include "kernel/store/listings.hpp"

#include <trellis/json.hpp>

namespace trellis::engine {
namespace {

constexpr std::size_t kPage = 256;

tl::unexpected<Refusal> NotFound() {
  return tl::unexpected<Refusal>(Refusal{404, "deployment not found", "not_found"});
}

std::string_view ToText(store::Desired desired) {
  switch (desired) {
    case store::Desired::kPresent:
      return "present";
    case store::Desired::kPaused:
      return "paused";
    case store::Desired::kAbsent:
      return "absent";
  }
  return "present";
}

/// queued, running, parked, quarantined: a job with a step that crashed too often.
Result<boost::json::array> Jobs(Context const& context, store::Database& db,
                                store::DeploymentKey key) {
  auto const now = context.clock.UnixSeconds();
  auto const running = context.scheduler.RunningJob(key);
  TRELLIS_TRY(auto const jobs, store::ListJobs(db, key));
  boost::json::array list;
  for (auto const& job : jobs) {
    TRELLIS_TRY(auto const steps, store::ListSteps(db, job.id));
    bool const condemned = std::any_of(steps.begin(), steps.end(), [](auto const& step) {
      return step.state == store::StepState::kQuarantined;
    });
    char const* state = job.not_before > now ? "parked" : "queued";
    if (condemned) state = "quarantined";
    if (job.id == running) state = "running";
    list.push_back({{"id", job.id},
                    {"kind", std::string(store::ToText(job.kind))},
                    {"workload", job.target},
                    {"state", state},
                    {"attempts", job.attempts},
                    {"error", job.error},
                    {"age", now - job.created}});
  }
  return list;
}

/// The workload as clients see it, and what only the engine knows.
std::string WorkloadText(store::WorkloadRow const& row) {
  auto text = WorkloadJson(row);
  text.pop_back();
  auto const effective =
      row.eff_version.has_value() ? fmt::format("{}", *row.eff_version) : std::string("null");
  return text + fmt::format(R"(,"effective_version":{},"owned":{},"fails":{},"next_try":{}}})",
                            effective, row.owned, row.fails, row.next_try);
}

Result<std::string> DeploymentText(store::DeploymentRow const& row,
                                   std::vector<store::WorkloadRow> const& workloads) {
  auto text = DeploymentJson(row, {});
  constexpr std::string_view kEmpty = R"("workloads":[]})";
  text.resize(text.size() - kEmpty.size());
  std::vector<std::string> items;
  items.reserve(workloads.size());
  for (auto const& workload : workloads)
    items.push_back(WorkloadText(workload));
  return text + fmt::format(R"("workloads":[{}]}})", fmt::join(items, ","));
}

Result<boost::json::object> Brief(store::Database& db, store::DeploymentBrief const& row) {
  TRELLIS_TRY(auto const workloads, store::ListWorkloads(db, row.key));
  boost::json::array shown;
  for (auto const& workload : workloads) {
    shown.push_back({{"type", workload.type},
                     {"name", workload.name},
                     {"state", workload.state},
                     {"message", workload.message}});
  }
  return boost::json::object{
      {"twin_id", row.key.twin}, {"contract_id", row.key.contract},
      {"version", row.version},  {"desired", std::string(ToText(row.desired))},
      {"message", row.message},  {"workloads", std::move(shown)}};
}

}  // namespace

Answer DebugView::List(std::uint32_t twin) {
  auto list = context_.readers.Run([&](store::Database& db) -> Result<boost::json::array> {
    boost::json::array items;
    auto const add = [&](std::vector<store::DeploymentBrief> const& page) -> Result<void> {
      for (auto const& row : page) {
        TRELLIS_TRY(auto item, Brief(db, row));
        items.push_back(std::move(item));
      }
      return {};
    };
    if (twin != 0) {
      TRELLIS_TRY(auto const all, store::ListBriefsOf(db, twin));
      TRELLIS_CHECK(add(all));
      return items;
    }
    store::DeploymentKey after;
    while (true) {
      TRELLIS_TRY(auto const page, store::ListBriefs(db, after, kPage));
      TRELLIS_CHECK(add(page));
      if (page.size() < kPage) return items;
      after = page.back().key;
    }
  });
  if (!list) return Trouble(list.error());
  return boost::json::serialize(boost::json::object{{"deployments", *std::move(list)}});
}

Answer DebugView::Get(store::DeploymentKey key) {
  auto found = context_.readers.Run([&](store::Database& db) -> Result<std::string> {
    TRELLIS_TRY(auto const row, store::FindDeployment(db, key));
    if (!row.has_value()) return std::string();
    TRELLIS_TRY(auto workloads, store::ListWorkloads(db, key));
    TRELLIS_TRY(auto const held, store::ListHeld(db, key));
    for (auto& workload : workloads)
      workload.owned = workload.owned || held.contains(workload.name);
    TRELLIS_TRY(auto const jobs, Jobs(context_, db, key));
    TRELLIS_TRY(auto const text, DeploymentText(*row, workloads));
    return fmt::format(R"({{"deployment":{},"desired":"{}","message":{},"jobs":{}}})", text,
                       ToText(row->desired), json::Dump(row->message),
                       boost::json::serialize(jobs));
  });
  if (!found) return Trouble(found.error());
  if (found->empty()) return NotFound();
  return *std::move(found);
}

Answer DebugView::History(store::DeploymentKey key) {
  auto const entries =
      context_.readers.Run([&](store::Database& db) -> Result<std::optional<std::string>> {
        TRELLIS_TRY(auto const row, store::FindDeployment(db, key));
        if (!row.has_value()) return store::FindTombstone(db, key);
        TRELLIS_TRY(auto const changes, store::ListChanges(db, key));
        return std::optional(WorkloadListJson(changes));
      });
  if (!entries) return Trouble(entries.error());
  if (!entries->has_value()) return NotFound();
  auto const list = json::ParseValue(**entries);
  if (!list) return Trouble(list.error());
  boost::json::array history;
  for (auto const& entry : list->as_array()) {
    auto const& result = entry.at("result");
    history.push_back({{"seq", history.size() + 1},
                       {"type", entry.at("type")},
                       {"name", entry.at("name")},
                       {"created", result.at("created")},
                       {"state", result.at("state")},
                       {"message", result.at("message")}});
  }
  return boost::json::serialize(
      boost::json::object{{"deployment", fmt::format("{}:{}", key.twin, key.contract)},
                          {"history", std::move(history)}});
}

Result<std::vector<store::WorkloadRow>> DebugView::Workloads(store::DeploymentKey key) {
  return context_.readers.Run([&](store::Database& db) { return store::ListWorkloads(db, key); });
}

}  // namespace trellis::engine
