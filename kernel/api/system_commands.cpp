#include "kernel/api/commands.hpp"
#include "kernel/api/cpu_benchmark.hpp"
#include "kernel/api/dmi.hpp"
#include "kernel/base/log.hpp"
#include "kernel/sys/machine.hpp"

#include <trellis/json.hpp>

#include <mutex>
#include <set>

namespace trellis::api {
namespace {

struct PerfArgument {
  std::string name;
};
BOOST_DESCRIBE_STRUCT(PerfArgument, (), (name))

/// The lists of all providers of a kind, one after the other.
boost::json::array Merge(plugin::Plugins& plugins, std::string_view kind) {
  boost::json::array merged;
  for (auto const& provided : plugins.Provide(kind, "{}")) {
    auto const list = json::ParseValue(provided.json);
    if (!list || !list->is_array()) {
      log::Warn("provider answered no list, left out",
                {{"plugin", provided.plugin}, {"kind", kind}});
      continue;
    }
    for (auto const& item : list->as_array())
      merged.push_back(item);
  }
  return merged;
}

/// Read once: the firmware's tables stay as they are until the next boot.
class DmiReader {
 public:
  std::string const& Get() {
    std::call_once(once_, [this] { text_ = ReadDmi(); });
    return text_;
  }

 private:
  std::once_flag once_;
  std::string text_;
};

engine::Answer PerfGet(PerfRegistry& perf, std::string_view payload) {
  auto const argument = json::Parse<PerfArgument>(payload);
  if (!argument)
    return Refuse(400, fmt::format("invalid arguments: {}", argument.error().message), "decode");
  return perf.Get(argument->name);
}

/// Adds a command without arguments that everybody may call.
template <class Function>
void AddQuestion(Router& router, char const* name, Function function) {
  router.Add(name, Auth::kAny,
             [function = std::move(function)](Caller const&, std::string_view) -> engine::Answer {
               return function();
             });
}

}  // namespace

std::vector<std::string> NodeFeatures(plugin::Plugins& plugins) {
  std::set<std::string> names;
  for (auto const& type : plugins.Types()) {
    if (type.available && type.provisions) names.insert(type.name);
  }
  for (auto const& feature : Merge(plugins, "features")) {
    if (feature.is_string()) names.emplace(feature.as_string());
  }
  return {names.begin(), names.end()};
}

void AddMachineCommands(Router& router, SystemFacts const& facts) {
  auto const version = boost::json::serialize(
      boost::json::object{{"zos", facts.version}, {"zinit", facts.supervisor}});
  AddQuestion(router, "zos.system.version", [version] { return engine::Answer(version); });
  AddQuestion(router, "rmb.version", [text = json::Dump(facts.version)] { return text; });
  AddQuestion(router, "zos.system.hypervisor",
              [name = json::Dump(sys::Hypervisor())] { return name; });
  auto const dmi = std::make_shared<DmiReader>();  // std::function must be copyable
  AddQuestion(router, "zos.system.dmi", [dmi] { return dmi->Get(); });
  AddQuestion(router, "zos.location.get", [text = facts.location_json]() -> engine::Answer {
    if (!text.empty()) return engine::Answer(text);
    return Refuse(404, "the node's location is not configured: set node.location");
  });
}

void AddSystemCommands(Router& router, SystemParts const& parts, SystemFacts const& facts) {
  AddMachineCommands(router, facts);
  auto& plugins = parts.plugins;
  auto& perf = parts.perf;
  AddQuestion(router, "zos.system.node_features_get",
              [&plugins] { return json::Dump(NodeFeatures(plugins)); });
  AddQuestion(router, "zos.system.diagnostics",
              [&health = parts.health] { return DiagnosticsJson(health.Look()); });
  AddQuestion(router, "zos.gpu.list",
              [&plugins] { return boost::json::serialize(Merge(plugins, "gpu")); });
  AddQuestion(router, "zos.storage.pools",
              [&plugins] { return boost::json::serialize(Merge(plugins, "pools")); });
  router.Add("zos.perf.get", Auth::kAny,
             [&perf](Caller const&, std::string_view payload) { return PerfGet(perf, payload); });
  AddQuestion(router, "zos.perf.get_all", [&perf] { return perf.All(); });
}

void AddKernelTasks(PerfRegistry& perf, Health& health, engine::Engine& engine) {
  PerfTask check;
  check.name = "healthcheck";
  check.description = "looks at the node's store, jobs and plugins";
  check.period = std::chrono::minutes(15);
  check.on_demand = true;
  check.run = [&health]() -> Result<std::string> { return health.HealthcheckJson(); };
  perf.Add(std::move(check));
  PerfTask cpu;
  cpu.name = "cpu-benchmark";
  cpu.description = "hashes on one processor and on all of them, at the lowest priority";
  cpu.first = std::chrono::hours(1);
  cpu.on_demand = true;
  cpu.run = [&engine]() -> Result<std::string> {
    TRELLIS_TRY(auto const counted, engine.Count());
    return CpuScoreJson(MeasureCpu(), counted.workloads);
  };
  perf.Add(std::move(cpu));
}

}  // namespace trellis::api
