#include "tools/cli/plugin_bench.hpp"

#include "kernel/plugin/library.hpp"
#include "kernel/sys/files.hpp"
#include "tools/cli/programs.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

namespace trellis::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kTwin = 1;
constexpr std::uint64_t kContract = 1;
constexpr char const* kNode =
    R"({"node_id":1,"farm_id":1,"twin_id":1,"public_key":"","region":"","boot_id":"bench",)"
    R"("public_config":null})";

std::optional<plugin::Op> EffectNamed(std::string_view name) {
  using plugin::Op;
  constexpr std::array<std::pair<std::string_view, Op>, 5> kEffects{
      {{"provision", Op::kProvision},
       {"update", Op::kUpdate},
       {"deprovision", Op::kDeprovision},
       {"pause", Op::kPause},
       {"resume", Op::kResume}}};
  auto const* const found = std::find_if(kEffects.begin(), kEffects.end(),
                                         [&](auto const& effect) { return effect.first == name; });
  return found == kEffects.end() ? std::nullopt : std::optional(found->second);
}

std::string_view ObservedText(std::int32_t state) {
  constexpr std::array<std::string_view, 6> kStates{"unknown", "running", "paused",
                                                    "absent",  "drifted", "failed"};
  auto const index = static_cast<std::size_t>(state);
  return state >= 0 && index < kStates.size() ? kStates[index] : "unknown";
}

/// JSON as it is; what is none as a text.
json::Value Shown(std::string const& text) {
  if (text.empty()) return nullptr;
  auto const value = json::ParseValue(text);
  return value ? *value : json::Value(boost::json::string(text));
}

plugin::OpRequest RequestOf(Operation const& operation, std::string type) {
  plugin::OpRequest request;
  request.twin = kTwin;
  request.contract = kContract;
  request.name = operation.workload;
  request.id = fmt::format("{}-{}-{}", kTwin, kContract, operation.workload);
  request.type = std::move(type);
  request.data = operation.data;
  request.previous = operation.previous;
  request.handle = operation.handle;
  request.handle_schema = operation.handle.empty() ? 0 : 1;
  return request;
}

tl::unexpected<Error> Refusal(plugin::OpAnswer const& answer) {
  if (!answer.error.empty()) return Fail(static_cast<Code>(answer.status), "{}", answer.error);
  return Fail(static_cast<Code>(answer.status), "the plugin answered {} without a word",
              answer.status);
}

boost::json::object CapacityObject(Capacity const& capacity) {
  return {{"cru", capacity.cru},
          {"mru", capacity.mru},
          {"sru", capacity.sru},
          {"hru", capacity.hru},
          {"ipv4u", capacity.ipv4u}};
}

}  // namespace

Result<std::unique_ptr<PluginBench>> PluginBench::Open(BenchOptions const& options) {
  auto const name = plugin::NameOfFile(options.file);
  if (!plugin::IsPluginName(name))
    return Fail(Code::kInvalid, "'{}' is no plugin file: its name ends in '{}'",
                options.file.string(), plugin::kPluginSuffix);
  TRELLIS_TRY(auto scratch, CopiesFolder::Make());
  std::unique_ptr<PluginBench> bench(new PluginBench(std::move(scratch)));
  auto const& root = bench->scratch_.path();
  bench->name_ = name;
  // A copy: the file may be built anew while the plugin runs.
  TRELLIS_TRY(auto const bytes, sys::ReadFile(options.file));
  TRELLIS_CHECK(sys::EnsureDirectory(root / "plugins"));
  TRELLIS_CHECK(sys::WriteFileAtomic(root / "plugins" / options.file.filename(), bytes));
  plugin::ManagerOptions manager;
  manager.plugins_dir = root / "plugins";
  manager.state_dir = options.state.empty() ? root / "state" : fs::absolute(options.state);
  manager.run_dir = root / "run";
  manager.node_json = kNode;
  manager.hosting = plugin::Hosting::kProcess;
  manager.plugin_host = ProgramBeside("trellis-plugin-host");
  auto& config = manager.plugins[name];
  config.config_json = options.config;
  config.permissions = options.grants;
  TRELLIS_TRY(bench->manager_, plugin::Manager::Open(std::move(manager), bench->kernel_));
  auto const status = bench->Status();
  if (status.state != "running")
    return Fail(Code::kInvalid, "the plugin is {}: {}", status.state, status.reason);
  return bench;
}

plugin::PluginStatus PluginBench::Status() const {
  return manager_->Status().front();  // there is one
}

std::vector<std::string> PluginBench::LastLines() const {
  return manager_->LastLines(name_).value_or(std::vector<std::string>());
}

Result<std::string> PluginBench::TypeOf(std::string const& wanted) const {
  auto const types = Status().types;
  if (wanted.empty() && types.size() == 1) return types.front();
  if (std::find(types.begin(), types.end(), wanted) != types.end()) return wanted;
  return Fail(Code::kNotFound, "plugin '{}' has no type '{}': it has {}", name_, wanted,
              fmt::join(types, ", "));
}

Result<boost::json::object> PluginBench::Do(Operation const& operation) {
  TRELLIS_TRY(auto const type, TypeOf(operation.type));
  auto const request = RequestOf(operation, type);
  if (auto const effect = EffectNamed(operation.name)) return Effect(*effect, request);
  if (operation.name == "precheck") {
    auto const answer = manager_->Precheck(plugin::Op::kProvision, request);
    if (answer.status < 0) return Refusal(answer);
    return boost::json::object{{"precheck", "ok"}};
  }
  if (operation.name == "inspect") {
    TRELLIS_TRY(auto const seen, manager_->Inspect(request));
    return boost::json::object{{"state", ObservedText(seen.state)}, {"detail", seen.detail}};
  }
  if (operation.name == "list") {
    TRELLIS_TRY(auto const owned, manager_->ListOwned(type));
    return boost::json::object{{"owned", json::Encode(owned)}};
  }
  return Examine(operation, type);
}

Result<boost::json::object> PluginBench::Effect(plugin::Op op, plugin::OpRequest const& request) {
  auto const answer = manager_->Run(op, request, plugin::CancelToken::Make());
  if (answer.status < 0) return Refusal(answer);
  auto const* const status = answer.status == TRL_NO_ACTION   ? "no action"
                             : answer.status == TRL_UNCHANGED ? "unchanged"
                                                              : "ok";
  return boost::json::object{{"status", status},
                             {"message", answer.error},
                             {"result", Shown(answer.result)},
                             {"handle", answer.handle}};
}

Result<boost::json::object> PluginBench::Examine(Operation const& operation,
                                                 std::string const& type) {
  constexpr std::array<std::string_view, 5> kPure{"valid", "challenge", "capacity", "weight",
                                                  "dependencies"};
  if (std::find(kPure.begin(), kPure.end(), operation.name) == kPure.end())
    return Fail(Code::kNotFound,
                "there is no operation '{}': use provision, update, deprovision, pause, resume, "
                "precheck, inspect, list, {}",
                operation.name, fmt::join(kPure, ", "));
  grid::Workload workload;
  workload.name = operation.workload;
  workload.type = type;
  workload.data.text = operation.data;
  grid::Deployment deployment;
  deployment.twin_id = kTwin;
  deployment.contract_id = kContract;
  deployment.workloads.push_back(workload);
  TRELLIS_TRY(auto const found, manager_->Examine(deployment, workload,
                                                  /*check_valid=*/operation.name == "valid"));
  boost::json::object shown;
  if (operation.name == "valid") shown["valid"] = true;
  if (operation.name == "challenge") shown["challenge"] = found.challenge;
  if (operation.name == "capacity") shown["capacity"] = CapacityObject(found.capacity);
  if (operation.name == "weight") shown["weight"] = found.weight;
  if (operation.name == "dependencies") shown["dependencies"] = json::Encode(found.dependencies);
  return shown;
}

Result<json::Value> PluginBench::Command(std::string const& name, std::string const& payload) {
  auto const answer = manager_->RunCommand(name, kTwin, payload);
  if (!answer) return tl::unexpected<Error>(answer.error().error);
  return Shown(*answer);
}

Result<json::Value> PluginBench::Service(std::string const& id, std::string const& method,
                                         std::string const& body) {
  std::vector<int> fds;
  auto const answer = manager_->CallService(id, method, body, &fds);
  for (int const fd : fds)
    sys::UniqueFd const closed(fd);  // nobody here has a use for it
  if (!answer) return tl::unexpected<Error>(answer.error());
  auto shown = boost::json::object{{"reply", Shown(*answer)}, {"descriptors", fds.size()}};
  return shown;
}

}  // namespace trellis::cli
