// zos.debug.deployment.*: what administrators ask about stored deployments.
#include "kernel/api/commands.hpp"
#include "kernel/engine/effects.hpp"

#include <trellis/json.hpp>

#include <charconv>

namespace trellis::api {
namespace {

constexpr std::chrono::seconds kProviderTime(5);

struct TwinArgument {
  std::uint32_t twin_id = 0;
};
BOOST_DESCRIBE_STRUCT(TwinArgument, (), (twin_id))

/// Options that zos knows and that run commands as root are not among them: unknown keys are
/// ignored.
struct DebugArgument {
  std::string deployment;
  std::string workload;
  bool verbose = false;
};
BOOST_DESCRIBE_STRUCT(DebugArgument, (), (deployment, workload, verbose))

struct ProviderRequest {
  std::string id;
  bool verbose = false;
};
BOOST_DESCRIBE_STRUCT(ProviderRequest, (), (id, verbose))

struct InfoReply {
  json::Value info;
  std::string logs;
};
BOOST_DESCRIBE_STRUCT(InfoReply, (), (info, logs))

struct HealthCheck {
  std::string name;
  bool ok = true;
  std::string message;
  json::Value evidence;
};
BOOST_DESCRIBE_STRUCT(HealthCheck, (), (name, ok, message, evidence))
struct HealthReply {
  std::vector<HealthCheck> checks;
};
BOOST_DESCRIBE_STRUCT(HealthReply, (), (checks))

/// "<twin>:<contract>"
tl::expected<store::DeploymentKey, engine::Refusal> ParseDeploymentName(std::string const& text) {
  if (text.empty()) return Refuse(400, "deployment identifier is required");
  auto const bad = [&] {
    return Refuse(
        400,
        fmt::format("invalid deployment format: expected 'twin-id:contract-id', got '{}'", text));
  };
  auto const colon = text.find(':');
  if (colon == std::string::npos) return bad();
  store::DeploymentKey key;
  auto const* const end = text.data() + text.size();
  auto const twin = std::from_chars(text.data(), text.data() + colon, key.twin);
  auto const contract = std::from_chars(text.data() + colon + 1, end, key.contract);
  if (twin.ec != std::errc{} || twin.ptr != text.data() + colon || contract.ec != std::errc{} ||
      contract.ptr != end)
    return bad();
  return key;
}

using Rows = std::vector<store::WorkloadRow>;

/// Decodes the arguments and hands over the deployment they name.
template <class Function>
engine::Answer WithDeployment(std::string_view payload, Function&& function) {
  auto const argument = json::Parse<DebugArgument>(payload);
  if (!argument)
    return Refuse(400, fmt::format("invalid arguments: {}", argument.error().message), "decode");
  auto const key = ParseDeploymentName(argument->deployment);
  if (!key) return tl::unexpected<engine::Refusal>(key.error());
  return function(*key, *argument);
}

/// Asks the provider of the type's plugin; nothing when it has none or fails.
template <class Reply>
Result<std::optional<Reply>> AskTypesPlugin(plugin::Plugins& plugins, std::string_view kind,
                                            store::WorkloadRow const& row, bool verbose) {
  auto const type = plugins.Type(row.type);
  for (auto const& provider : plugins.Providers(kind)) {
    if (!type.has_value() || provider.plugin != type->plugin) continue;
    TRELLIS_TRY(auto const text,
                plugins.AskProvider(provider, json::Dump(ProviderRequest{row.id(), verbose}),
                                    kProviderTime));
    TRELLIS_TRY(auto reply, json::Parse<Reply>(text));
    return std::optional<Reply>(std::move(reply));
  }
  return std::optional<Reply>();
}

engine::Answer Info(engine::Engine& engine, plugin::Plugins& plugins, store::DeploymentKey key,
                    DebugArgument const& argument) {
  auto const rows = engine.debug().Workloads(key);
  if (!rows) return ToAnswer(tl::unexpected<Error>(rows.error()));
  if (rows->empty()) return Refuse(404, "deployment not found");
  auto const row = std::find_if(rows->begin(), rows->end(), [&](auto const& candidate) {
    return candidate.name == argument.workload;
  });
  if (row == rows->end())
    return Refuse(404, fmt::format("workload '{}' not found", argument.workload));
  auto reply = AskTypesPlugin<InfoReply>(plugins, "info", *row, argument.verbose);
  if (!reply) return ToAnswer(tl::unexpected<Error>(reply.error()));
  auto info = reply->value_or(InfoReply{});
  return boost::json::serialize(boost::json::object{{"workload_id", row->id()},
                                                    {"type", row->type},
                                                    {"name", row->name},
                                                    {"info", std::move(info.info)},
                                                    {"logs", info.logs}});
}

/// Does the workload look as stored?
HealthCheck InspectCheck(plugin::Plugins& plugins, store::WorkloadRow const& row) {
  HealthCheck check{"state", row.IsOkay(), row.message, nullptr};
  if (!row.IsOkay()) return check;
  auto const seen = plugins.Inspect(engine::MakeRequest(row, {}));
  if (!seen) return {"state", false, seen.error().message, nullptr};
  auto const right = row.state == "paused" ? TRL_OBSERVED_PAUSED : TRL_OBSERVED_RUNNING;
  check.ok = seen->state == right || seen->state == TRL_OBSERVED_RUNNING;
  check.message = seen->detail;
  return check;
}

boost::json::object HealthOf(plugin::Plugins& plugins, store::WorkloadRow const& row) {
  std::vector<HealthCheck> checks{InspectCheck(plugins, row)};
  if (auto reply = AskTypesPlugin<HealthReply>(plugins, "health", row, false); !reply) {
    checks.push_back({"plugin", false, reply.error().message, nullptr});
  } else if (reply->has_value()) {
    for (auto& check : (*reply)->checks)
      checks.push_back(std::move(check));
  }
  bool const healthy =
      std::all_of(checks.begin(), checks.end(), [](auto const& check) { return check.ok; });
  boost::json::array list;
  for (auto const& check : checks)
    list.push_back(json::Encode(check));
  return {{"workload_id", row.id()},
          {"type", row.type},
          {"name", row.name},
          {"status", healthy ? "healthy" : "unhealthy"},
          {"checks", std::move(list)}};
}

engine::Answer HealthReport(engine::Engine& engine, plugin::Plugins& plugins,
                            store::DeploymentKey key) {
  if (auto const found = engine.Get(key.twin, key.contract); !found) return found;
  auto const rows = engine.debug().Workloads(key);
  if (!rows) return ToAnswer(tl::unexpected<Error>(rows.error()));
  boost::json::array workloads;
  for (auto const& row : *rows)
    workloads.push_back(HealthOf(plugins, row));
  return boost::json::serialize(boost::json::object{
      {"twin_id", key.twin}, {"contract_id", key.contract}, {"workloads", std::move(workloads)}});
}

}  // namespace

void AddDebugCommands(Router& router, engine::Engine& engine, plugin::Plugins& plugins) {
  router.Add("zos.debug.deployment.list", Auth::kAdmin,
             [&engine](Caller const&, std::string_view payload) -> engine::Answer {
               auto const argument = json::Parse<TwinArgument>(payload);
               if (!argument)
                 return Refuse(400, "invalid arguments: " + argument.error().message, "decode");
               return engine.debug().List(argument->twin_id);
             });
  router.Add("zos.debug.deployment.get", Auth::kAdmin,
             [&engine](Caller const&, std::string_view payload) {
               return WithDeployment(payload, [&](store::DeploymentKey key, DebugArgument const&) {
                 return engine.debug().Get(key);
               });
             });
  router.Add("zos.debug.deployment.history", Auth::kAdmin,
             [&engine](Caller const&, std::string_view payload) {
               return WithDeployment(payload, [&](store::DeploymentKey key, DebugArgument const&) {
                 return engine.debug().History(key);
               });
             });
  router.Add("zos.debug.deployment.info", Auth::kAdmin,
             [&engine, &plugins](Caller const&, std::string_view payload) {
               return WithDeployment(payload,
                                     [&](store::DeploymentKey key, DebugArgument const& argument) {
                                       return Info(engine, plugins, key, argument);
                                     });
             });
  router.Add("zos.debug.deployment.health", Auth::kAdmin,
             [&engine, &plugins](Caller const&, std::string_view payload) {
               return WithDeployment(payload, [&](store::DeploymentKey key, DebugArgument const&) {
                 return HealthReport(engine, plugins, key);
               });
             });
}

}  // namespace trellis::api
