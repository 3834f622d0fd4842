#include "kernel/api/health.hpp"

#include <trellis/json.hpp>

#include <algorithm>

namespace trellis::api {
namespace {

/// What a plugin's `health` tells.
struct PluginCheck {
  std::string name;
  bool ok = true;
  std::string message;
};
BOOST_DESCRIBE_STRUCT(PluginCheck, (), (name, ok, message))
struct PluginReport {
  std::vector<PluginCheck> checks;
};
BOOST_DESCRIBE_STRUCT(PluginReport, (), (checks))

/// Not so: failed, refused, blocked.
bool Runs(plugin::PluginStatus const& status) {
  return status.state == "running" || status.state == "restarting" || status.state == "disabled";
}

std::vector<engine::Check> ChecksOf(std::string_view report) {
  auto const parsed = json::Parse<PluginReport>(report);
  if (!parsed) return {{"health", false, "its health report is not readable"}};
  std::vector<engine::Check> checks;
  for (auto const& check : parsed->checks)
    checks.push_back({check.name, check.ok, check.message});
  return checks;
}

/// The failed checks in one sentence, or null.
boost::json::value Trouble(Module const& module) {
  std::vector<std::string> failed;
  for (auto const& check : module.checks) {
    if (!check.ok) failed.push_back(fmt::format("{}: {}", check.name, check.message));
  }
  if (failed.empty()) return nullptr;
  return boost::json::string(fmt::format("{}", fmt::join(failed, "; ")));
}

}  // namespace

bool IsHealthy(std::vector<Module> const& modules) {
  return std::all_of(modules.begin(), modules.end(), [](auto const& module) {
    return !module.vital || std::all_of(module.checks.begin(), module.checks.end(),
                                        [](auto const& check) { return check.ok; });
  });
}

std::vector<Module> Health::LookAtVital() {
  std::vector<Module> modules{{"engine", {{"engine", version_}}, engine_.CheckHealth(), true}};
  if (auto trouble = store_trouble(); !trouble.empty())
    modules.push_back(BrokenStore(std::move(trouble)));
  for (auto const& status : plugins_.Status()) {
    Module loaded{"plugin." + status.name, {}, {}, true};
    loaded.checks.push_back(
        {"loaded", Runs(status), fmt::format("{}: {}", status.state, status.reason)});
    for (auto const& type : status.types)
      loaded.objects.emplace_back(type, status.version);
    modules.push_back(std::move(loaded));
  }
  return modules;
}

std::vector<Module> Health::Look() {
  auto modules = LookAtVital();
  for (auto const& [plugin, report] : plugins_.Health())
    modules.push_back({"health." + plugin, {}, ChecksOf(report), false});
  return modules;
}

void Health::ReportStore(std::string trouble) {
  std::lock_guard const lock(mutex_);
  store_trouble_ = std::move(trouble);
}

std::string Health::store_trouble() const {
  std::lock_guard const lock(mutex_);
  return store_trouble_;
}

Module BrokenStore(std::string trouble) {
  return {"store", {}, {{"store", false, std::move(trouble)}}, true};
}

std::string DiagnosticsJson(std::vector<Module> const& looked) {
  boost::json::object modules;
  for (auto const& module : looked) {
    boost::json::array objects;
    for (auto const& [name, version] : module.objects)
      objects.push_back({{"name", name}, {"version", version}});
    modules[module.name] = {
        {"status", {{"objects", std::move(objects)}, {"workers", boost::json::array()}}},
        {"error", Trouble(module)}};
  }
  bool const healthy = IsHealthy(looked);
  return boost::json::serialize(boost::json::object{
      {"system_status_ok", healthy}, {"modules", std::move(modules)}, {"healthy", healthy}});
}

std::string Health::HealthcheckJson() {
  boost::json::object result;
  for (auto const& module : Look()) {
    boost::json::array errors;
    for (auto const& check : module.checks) {
      if (!check.ok) errors.emplace_back(fmt::format("{}: {}", check.name, check.message));
    }
    result[module.name] = std::move(errors);
  }
  return boost::json::serialize(result);
}

}  // namespace trellis::api
