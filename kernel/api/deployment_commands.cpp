#include "kernel/api/commands.hpp"

#include <trellis/json.hpp>

#include <charconv>

namespace trellis::api {
namespace {

struct ContractArgument {
  std::uint64_t contract_id = 0;
};
BOOST_DESCRIBE_STRUCT(ContractArgument, (), (contract_id))

struct TwinArgument {
  std::uint32_t twin_id = 0;
};
BOOST_DESCRIBE_STRUCT(TwinArgument, (), (twin_id))

struct DeploymentArgument {
  std::string deployment;
};
BOOST_DESCRIBE_STRUCT(DeploymentArgument, (), (deployment))

constexpr char const* kDeleteDisabled =
    "deletion over the api is disabled, please cancel your contract instead";

/// Decodes the arguments, or says what is wrong with them.
template <class T, class Function>
engine::Answer With(std::string_view payload, Function&& function) {
  auto const argument = json::Parse<T>(payload);
  if (!argument)
    return Refuse(400, fmt::format("invalid arguments: {}", argument.error().message), "decode");
  return function(*argument);
}

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

engine::Answer StatisticsJson(engine::Engine& engine) {
  auto const counted = engine.Count();
  if (!counted) return ToAnswer(tl::unexpected<Error>(counted.error()));
  boost::json::object const users{{"deployments", counted->deployments},
                                  {"workloads", counted->workloads},
                                  {"last_deployment_timestamp", counted->last_deployment}};
  return boost::json::serialize(boost::json::object{{"total", json::Encode(counted->total)},
                                                    {"used", json::Encode(counted->used)},
                                                    {"system", json::Encode(counted->system)},
                                                    {"users", users},
                                                    {"open_connections", 0}});
}

void AddDebugCommands(Router& router, engine::Engine& engine) {
  router.Add("zos.debug.deployment.list", Auth::kAdmin,
             [&engine](Caller const&, std::string_view payload) {
               return With<TwinArgument>(payload, [&](auto const& argument) {
                 return engine.DebugList(argument.twin_id);
               });
             });
  router.Add(
      "zos.debug.deployment.get", Auth::kAdmin, [&engine](Caller const&, std::string_view payload) {
        return With<DeploymentArgument>(payload, [&](auto const& argument) -> engine::Answer {
          auto const key = ParseDeploymentName(argument.deployment);
          if (!key) return tl::unexpected<engine::Refusal>(key.error());
          auto const found = engine.Get(key->twin, key->contract);
          if (!found) return found;
          return fmt::format(R"({{"deployment":{}}})", *found);
        });
      });
  router.Add("zos.debug.deployment.history", Auth::kAdmin,
             [&engine](Caller const&, std::string_view payload) {
               return With<DeploymentArgument>(
                   payload, [&](auto const& argument) -> engine::Answer {
                     auto const key = ParseDeploymentName(argument.deployment);
                     if (!key) return tl::unexpected<engine::Refusal>(key.error());
                     auto const changes = engine.Changes(key->twin, key->contract);
                     if (!changes) return changes;
                     auto const list = json::ParseValue(*changes);
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
                     return boost::json::serialize(boost::json::object{
                         {"deployment", argument.deployment}, {"history", std::move(history)}});
                   });
             });
}

}  // namespace

void AddDeploymentCommands(Router& router, engine::Engine& engine) {
  router.Add(
      "zos.deployment.deploy", Auth::kOwner,
      [&engine](Caller const& caller, std::string_view payload) {
        return engine.Deploy(caller.twin, payload);
      },
      Effect::kMutates);
  router.Add(
      "zos.deployment.update", Auth::kOwner,
      [&engine](Caller const& caller, std::string_view payload) {
        return engine.Update(caller.twin, payload);
      },
      Effect::kMutates);
  router.Add("zos.deployment.get", Auth::kOwner,
             [&engine](Caller const& caller, std::string_view payload) {
               return With<ContractArgument>(payload, [&](auto const& argument) {
                 return engine.Get(caller.twin, argument.contract_id);
               });
             });
  router.Add("zos.deployment.changes", Auth::kOwner,
             [&engine](Caller const& caller, std::string_view payload) {
               return With<ContractArgument>(payload, [&](auto const& argument) {
                 return engine.Changes(caller.twin, argument.contract_id);
               });
             });
  router.Add(
      "zos.deployment.list", Auth::kOwner,
      [&engine](Caller const& caller, std::string_view) { return engine.List(caller.twin); });
  router.Add("zos.deployment.delete", Auth::kOwner,
             [](Caller const&, std::string_view) -> engine::Answer {
               return Refuse(400, kDeleteDisabled);
             });
  router.Add("zos.statistics.get", Auth::kAny,
             [&engine](Caller const&, std::string_view) { return StatisticsJson(engine); });
  AddDebugCommands(router, engine);
}

}  // namespace trellis::api
