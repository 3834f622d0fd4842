// Node: how it does, for people (local.status) and for collectors (metrics).
#include "kernel/node/metrics.hpp"
#include "kernel/node/node.hpp"
#include "kernel/node/version.hpp"
#include "kernel/plugin/provided_metrics.hpp"

#include <trellis/json.hpp>

#include <unistd.h>

namespace trellis::node {
namespace {

constexpr std::int64_t kLongestWait = 600;  // seconds that `wait_ready_s` may ask for
constexpr double kNsPerSecond = 1e9;

struct StatusArgument {
  std::int64_t wait_ready_s = 0;
};
BOOST_DESCRIBE_STRUCT(StatusArgument, (), (wait_ready_s))

boost::json::object JobKinds(store::JournalStats const& journal) {
  boost::json::object kinds;
  for (auto const& [kind, count] : journal.jobs)
    kinds[store::ToText(kind)] = count;
  return kinds;
}

/// What plugins tell of themselves; some of it is for people, such as the accelerator one chose.
void AddHealth(boost::json::object& status, plugin::Plugins& plugins) {
  boost::json::object facts;
  for (auto const& [plugin, text] : plugins.Health()) {
    auto const health = json::ParseValue(text);
    if (!health || !health->is_object()) continue;
    facts[plugin] = *health;
    if (auto const* accel = health->as_object().if_contains("accel"); accel != nullptr) {
      auto const* reason = health->as_object().if_contains("accel_reason");
      status["accel"] = {{"accel", *accel},
                         {"reason", reason != nullptr ? *reason : boost::json::value("")}};
    }
  }
  status["health"] = std::move(facts);
}

void AddCounts(boost::json::object& status, engine::Statistics const& counted) {
  status["deployments"] = counted.deployments;
  status["workloads"] = counted.workloads;
  status["capacity"] = {{"total", json::Encode(counted.total)},
                        {"used", json::Encode(counted.used)}};
}

void AddEngine(boost::json::object& status, engine::Snapshot const& now) {
  status["queue"] = {{"all", now.depth.all},
                     {"running", now.depth.running},
                     {"oldest_s", now.oldest_job_s},
                     {"retries", now.journal.retries},
                     {"quarantined", now.journal.quarantined},
                     {"wedged", now.wedged},
                     {"kinds", JobKinds(now.journal)}};
  status["outbox"] = {{"rows", now.outbox.rows},
                      {"oldest_s", now.outbox_age_s},
                      {"sent", now.reports.sent},
                      {"failed", now.reports.failed}};
  status["orphans"] = {
      {"seen", now.orphans_seen}, {"removed", now.orphans_removed}, {"held", now.orphans_held}};
}

boost::json::object StoreJson(store::Writer::Counters const& written) {
  return {{"commits", written.commits},
          {"works", written.works},
          {"pages", written.pages},
          {"failed", written.failed}};
}

/// The checks that fail, as `<part>: <what>`.
boost::json::array Troubles(std::vector<api::Module> const& modules) {
  boost::json::array troubles;
  for (auto const& module : modules) {
    for (auto const& check : module.checks) {
      if (!check.ok && module.vital)
        troubles.emplace_back(fmt::format("{} {}: {}", module.name, check.name, check.message));
    }
  }
  return troubles;
}

void AddEngineMetrics(MetricsText& metrics, engine::Snapshot const& now) {
  metrics.Family("jobs", "gauge", "Jobs in the journal, by what they wait for.")
      .Sample(static_cast<double>(now.depth.all - now.depth.running), {{"state", "queued"}})
      .Sample(static_cast<double>(now.depth.running), {{"state", "running"}});
  metrics.Family("queue_jobs", "gauge", "Jobs in the journal, by kind.");
  for (auto const& [kind, count] : now.journal.jobs)
    metrics.Sample(static_cast<double>(count), {{"kind", store::ToText(kind)}});
  metrics.Gauge("queue_oldest_seconds", static_cast<double>(now.oldest_job_s),
                "Age of the oldest job that may run.");
  metrics.Gauge("job_retries", static_cast<double>(now.journal.retries),
                "Failed tries of the jobs in the journal.");
  metrics.Gauge("quarantined_steps", static_cast<double>(now.journal.quarantined),
                "Operations that crashed too often to be tried again soon.");
  metrics.Gauge("wedged_operations", static_cast<double>(now.wedged),
                "Operations that never came back.");
  metrics.Gauge("outbox_rows", static_cast<double>(now.outbox.rows),
                "Reports that the ledger has not taken yet.");
  metrics.Gauge("outbox_oldest_seconds", static_cast<double>(now.outbox_age_s),
                "Age of the oldest of them.");
  metrics.Counter("outbox_sent_total", static_cast<double>(now.reports.sent),
                  "Reports that the ledger took.");
  metrics.Counter("outbox_failed_total", static_cast<double>(now.reports.failed),
                  "Calls to the ledger that failed.");
  metrics.Gauge("orphans", static_cast<double>(now.orphans_seen),
                "Resources that plugins hold and the store does not know.");
  metrics.Counter("orphans_removed_total", static_cast<double>(now.orphans_removed),
                  "Such resources that were removed.");
  metrics.Counter("inspection_rounds_total", static_cast<double>(now.inspections),
                  "Looks at everything that is stored.");
}

void AddStepMetrics(MetricsText& metrics, engine::Meters const& meters) {
  auto const types = meters.Ops();
  auto const family = [&](std::string_view name, std::string_view help, auto const& value) {
    metrics.Family(name, "counter", help);
    for (auto const& [type, ops] : types) {
      for (auto const& [op, meter] : ops)
        metrics.Sample(value(meter), {{"type", type}, {"op", engine::ToText(op)}});
    }
  };
  family("steps_total", "Operations of plugins, by type of workload.",
         [](engine::OpMeter const& meter) { return static_cast<double>(meter.calls); });
  family("step_failures_total", "Those that failed.",
         [](engine::OpMeter const& meter) { return static_cast<double>(meter.failures); });
  family("step_seconds_total", "Time they took.", [](engine::OpMeter const& meter) {
    return std::chrono::duration<double>(meter.time).count();
  });
  metrics.Counter("jobs_parked_total", static_cast<double>(meters.jobs_parked),
                  "Times a job had to come again.");
  metrics.Counter("quarantined_total", static_cast<double>(meters.quarantined),
                  "Operations given up after crashes.");
}

void AddStoreMetrics(MetricsText& metrics, store::Writer::Counters const& written) {
  metrics.Counter("store_commits_total", static_cast<double>(written.commits),
                  "Transactions; each is one sync.");
  metrics.Counter("store_works_total", static_cast<double>(written.works),
                  "Pieces of work in them.");
  metrics.Counter("store_pages_total", static_cast<double>(written.pages),
                  "Database pages written to the log.");
  metrics.Counter("store_failed_total", static_cast<double>(written.failed),
                  "Transactions that could not be committed.");
  metrics.Counter("store_commit_seconds_total",
                  static_cast<double>(written.commit_ns) / kNsPerSecond,
                  "Time spent in transactions.");
  metrics.Gauge("store_commit_longest_seconds",
                static_cast<double>(written.longest_ns) / kNsPerSecond, "The longest of them.");
}

}  // namespace

boost::json::value Node::FacadeJson() const {
  if (facade_ == nullptr) return nullptr;
  return boost::json::object{{"url", facade_->url()}};
}

engine::Answer Node::Status(std::string_view payload) {
  auto const argument = json::Parse<StatusArgument>(payload);
  if (!argument)
    return api::Refuse(400, "invalid arguments: " + argument.error().message, "decode");
  auto const wait = std::clamp<std::int64_t>(argument->wait_ready_s, 0, kLongestWait);
  bool const ready = engine_->WaitRecovered(std::chrono::seconds(wait));
  auto const looked = health_->LookAtVital();
  boost::json::object status{{"version", std::string(kVersion)},
                             {"ready", true},
                             {"recovered", ready},
                             {"healthy", api::IsHealthy(looked)},
                             {"troubles", Troubles(looked)},
                             {"pid", ::getpid()},
                             {"uptime_s", clock_.UnixSeconds() - started_unix_},
                             {"node_id", config_.node_id},
                             {"farm_id", config_.farm_id},
                             {"twin_id", key_.twin},
                             {"relay", {{"url", bus_->relay_url()}}},
                             {"http", {{"url", http_->url()}}},
                             {"facade", FacadeJson()},
                             {"dev", config_.dev},
                             {"plugins", PluginsJson()},
                             {"store", StoreJson(writer_->counters())}};
  auto const depth = engine_->QueueDepth();
  status["queue"] = {{"all", depth.all}, {"running", depth.running}};
  AddHealth(status, *plugins_);
  if (auto const now = engine_->Look(); now) AddEngine(status, *now);
  if (auto const counted = engine_->Count(); counted) AddCounts(status, *counted);
  return boost::json::serialize(status);
}

std::string Node::Metrics() {
  MetricsText metrics;
  if (auto const now = engine_->Look(); now) AddEngineMetrics(metrics, *now);
  AddStepMetrics(metrics, engine_->meters());
  AddStoreMetrics(metrics, writer_->counters());
  metrics.Counter("accepted_total", static_cast<double>(engine_->accepted()),
                  "Documents answered with success.");
  metrics.Counter("jobs_done_total", static_cast<double>(engine_->jobs_done()),
                  "Jobs that came to their end.");
  metrics.Counter("plugin_calls_total", static_cast<double>(plugins_->calls()),
                  "Calls into plugins.");
  metrics.Family("answers_total", "counter", "Answers of the API, by code; 0 is success.");
  for (auto const& [code, count] : router_->Answers())
    metrics.Sample(static_cast<double>(count), {{"code", std::to_string(code)}});
  metrics.Gauge("healthy", api::IsHealthy(health_->LookAtVital()) ? 1 : 0,
                "1 when nothing needs an operator.");
  if (auto const counted = engine_->Count(); counted) {
    metrics.Gauge("deployments", static_cast<double>(counted->deployments),
                  "Deployments with at least one workload ok or paused.");
    metrics.Gauge("workloads", static_cast<double>(counted->workloads),
                  "Workloads that are ok or paused.");
  }
  return metrics.text() + plugins_->MetricsText() + plugin::ProvidedMetricsText(*plugins_);
}

engine::Answer Node::Counters() {
  auto const depth = engine_->QueueDepth();
  auto const written = writer_->counters();
  return boost::json::serialize(boost::json::object{{"accepted", engine_->accepted()},
                                                    {"jobs_done", engine_->jobs_done()},
                                                    {"queued", depth.all - depth.running},
                                                    {"running", depth.running},
                                                    {"store_commits", written.commits},
                                                    {"store_works", written.works},
                                                    {"store_pages", written.pages},
                                                    {"plugin_calls", plugins_->calls()}});
}

}  // namespace trellis::node
