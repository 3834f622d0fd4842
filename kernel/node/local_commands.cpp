// local.*: what only the control socket offers.
#include "kernel/node/fail_point_commands.hpp"
#include "kernel/node/node.hpp"
#include "kernel/node/version.hpp"

#include <trellis/json.hpp>

#include <unistd.h>

namespace trellis::node {
namespace {

struct IdArgument {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(IdArgument, (), (id))

boost::json::array PluginList(plugin::Plugins const& plugins) {
  boost::json::array list;
  for (auto const& status : plugins.Status()) {
    list.push_back({{"name", status.name},
                    {"version", status.version},
                    {"state", status.state},
                    {"reason", status.reason},
                    {"hosting", status.hosting},
                    {"file", status.file},
                    {"types", json::Encode(status.types)},
                    {"services", json::Encode(status.services)}});
  }
  return list;
}

engine::Answer ExamineJson(engine::Engine& engine, std::string_view payload) {
  auto const examined = engine.Examine(payload);
  if (!examined) return tl::unexpected<engine::Refusal>(examined.error());
  return boost::json::serialize(
      boost::json::object{{"challenge", examined->challenge},
                          {"hash", examined->hash},
                          {"capacity", json::Encode(examined->capacity)}});
}

}  // namespace

engine::Answer Node::Status() {
  auto const counted = engine_->Count();
  auto const depth = engine_->QueueDepth();
  boost::json::object status{{"version", std::string(kVersion)},
                             {"ready", true},
                             {"pid", ::getpid()},
                             {"uptime_s", clock_.UnixSeconds() - started_unix_},
                             {"node_id", config_.node_id},
                             {"farm_id", config_.farm_id},
                             {"twin_id", key_.twin},
                             {"relay", {{"url", bus_->relay_url()}}},
                             {"http", {{"url", http_->url()}}},
                             {"facade", nullptr},
                             {"plugins", PluginList(*plugins_)},
                             {"queue", {{"all", depth.all}, {"running", depth.running}}}};
  // A plugin's health may carry facts for people, such as the accelerator it chose.
  boost::json::object facts;
  for (auto const& [plugin, text] : plugins_->Health()) {
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
  if (counted) {
    status["deployments"] = counted->deployments;
    status["workloads"] = counted->workloads;
    status["capacity"] = {{"total", json::Encode(counted->total)},
                          {"used", json::Encode(counted->used)}};
  }
  return boost::json::serialize(status);
}

std::string Node::Metrics() {
  auto text = plugins_->MetricsText();
  auto const depth = engine_->QueueDepth();
  text += fmt::format(
      "# TYPE trellis_jobs gauge\ntrellis_jobs{{state=\"queued\"}} "
      "{}\ntrellis_jobs{{state=\"running\"}} {}\n",
      depth.all - depth.running, depth.running);
  auto const counter = [&text](std::string_view name, std::uint64_t value) {
    text += fmt::format("# TYPE {0} counter\n{0} {1}\n", name, value);
  };
  auto const written = writer_->counters();
  counter("trellis_accepted_total", engine_->accepted());
  counter("trellis_jobs_done_total", engine_->jobs_done());
  counter("trellis_store_commits_total", written.commits);
  counter("trellis_store_works_total", written.works);
  counter("trellis_store_pages_total", written.pages);
  counter("trellis_plugin_calls_total", plugins_->calls());
  if (auto const counted = engine_->Count(); counted) {
    text += fmt::format(
        "# TYPE trellis_workloads gauge\ntrellis_workloads {}\n# TYPE trellis_deployments "
        "gauge\ntrellis_deployments {}\n",
        counted->workloads, counted->deployments);
  }
  return text;
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

engine::Answer Node::ConsoleOf(std::string_view payload, bool logs) {
  auto const argument = json::Parse<IdArgument>(payload);
  if (!argument || argument->id.empty())
    return api::Refuse(400,
                       "the id of a workload is missing: {\"id\":\"<twin>-<contract>-<name>\"}");
  // The service that machines are shown by; a plugin of any type may provide it.
  constexpr char const* kMachines = "trellis.vm.machine/1";
  auto const request = json::Dump(*argument);
  auto const reply =
      plugins_->CallService(kMachines, logs ? "log_source" : "inspect", request, nullptr);
  if (!reply) return api::ToAnswer(tl::unexpected<Error>(reply.error()));
  auto const value = json::ParseValue(*reply);
  auto const* path = value && value->is_object()
                         ? value->as_object().if_contains(logs ? "path" : "console")
                         : nullptr;
  if (path == nullptr || !path->is_string() || path->as_string().empty()) {
    return api::Refuse(
        404, fmt::format("workload '{}' has no {}", argument->id, logs ? "log" : "console"));
  }
  return boost::json::serialize(boost::json::object{{"path", *path}});
}

void Node::AddLocalCommands() {
  using api::Auth;
  using api::Caller;
  AddFailPointCommand(*router_);
  router_->Add("local.status", Auth::kLocal,
               [this](Caller const&, std::string_view) { return Status(); });
  router_->Add("local.counters", Auth::kLocal,
               [this](Caller const&, std::string_view) { return Counters(); });
  router_->Add("local.examine", Auth::kLocal, [this](Caller const&, std::string_view payload) {
    return ExamineJson(*engine_, payload);
  });
  router_->Add("local.plugin.list", Auth::kLocal,
               [this](Caller const&, std::string_view) -> engine::Answer {
                 return boost::json::serialize(PluginList(*plugins_));
               });
  router_->Add("local.console", Auth::kLocal, [this](Caller const&, std::string_view payload) {
    return ConsoleOf(payload, /*logs=*/false);
  });
  router_->Add("local.logs", Auth::kLocal, [this](Caller const&, std::string_view payload) {
    return ConsoleOf(payload, /*logs=*/true);
  });
  router_->Add("local.network", Auth::kLocal, [this](Caller const&, std::string_view payload) {
    return api::ToAnswer(
        plugins_->CallService("trellis.net.namespace/1", "lookup", payload, nullptr));
  });
  router_->Add("local.shutdown", Auth::kLocal,
               [this](Caller const&, std::string_view) -> engine::Answer {
                 if (on_shutdown_) on_shutdown_();
                 return "null";
               });
  router_->Add(
      "local.keeper.quit", Auth::kLocal, [this](Caller const&, std::string_view) -> engine::Answer {
        auto* const supervisor = plugins_->supervisor();
        if (supervisor == nullptr) return "null";
        constexpr std::int64_t kLimitNs = 30'000'000'000;
        auto const done = supervisor->Quit(clock_.MonotonicNs() + kLimitNs);
        return done ? engine::Answer("null") : api::ToAnswer(tl::unexpected<Error>(done.error()));
      });
}

}  // namespace trellis::node
