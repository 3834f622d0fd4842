#include "kernel/api/commands.hpp"
#include "kernel/sys/machine.hpp"

#include <trellis/json.hpp>

#include <mutex>

namespace trellis::api {
namespace {

struct ContractArgument {
  std::uint64_t contract_id = 0;
};
BOOST_DESCRIBE_STRUCT(ContractArgument, (), (contract_id))

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

/// Established connections, counted at most every ten seconds: the question is asked often and
/// counting takes longer than everything else in its answer.
class ConnectionCount {
 public:
  std::uint64_t Get() {
    constexpr std::chrono::seconds kOld(10);
    std::lock_guard const lock(mutex_);
    auto const now = std::chrono::steady_clock::now();
    if (!counted_at_.has_value() || now - *counted_at_ > kOld) {
      count_ = sys::TcpConnections();
      counted_at_ = now;
    }
    return count_;
  }

 private:
  std::mutex mutex_;  // guards both
  std::optional<std::chrono::steady_clock::time_point> counted_at_;
  std::uint64_t count_ = 0;
};

engine::Answer StatisticsJson(engine::Engine& engine, ConnectionCount& connections) {
  auto const counted = engine.Count();
  if (!counted) return ToAnswer(tl::unexpected<Error>(counted.error()));
  boost::json::object const users{{"deployments", counted->deployments},
                                  {"workloads", counted->workloads},
                                  {"last_deployment_timestamp", counted->last_deployment}};
  return boost::json::serialize(boost::json::object{{"total", json::Encode(counted->total)},
                                                    {"used", json::Encode(counted->used)},
                                                    {"system", json::Encode(counted->system)},
                                                    {"users", users},
                                                    {"open_connections", connections.Get()}});
}

}  // namespace

void AddDeploymentCommands(Router& router, engine::Engine& engine) {
  router.AddAsync(
      "zos.deployment.deploy", Auth::kOwner,
      [&engine](Caller const& caller, std::string_view payload) {
        return engine.Deploy(caller.twin, payload);
      },
      [&engine](Caller const& caller, std::string_view payload, engine::Resume resume, Reply done) {
        engine.Deploy(caller.twin, payload, std::move(resume), std::move(done));
      },
      Effect::kMutates);
  router.AddAsync(
      "zos.deployment.update", Auth::kOwner,
      [&engine](Caller const& caller, std::string_view payload) {
        return engine.Update(caller.twin, payload);
      },
      [&engine](Caller const& caller, std::string_view payload, engine::Resume resume, Reply done) {
        engine.Update(caller.twin, payload, std::move(resume), std::move(done));
      },
      Effect::kMutates);
  router.Add(
      "zos.deployment.get", Auth::kOwner,
      [&engine](Caller const& caller, std::string_view payload) {
        return With<ContractArgument>(payload, [&](auto const& argument) {
          return engine.Get(caller.twin, argument.contract_id);
        });
      },
      Effect::kReads, Runs::kAtOnce);
  router.Add(
      "zos.deployment.changes", Auth::kOwner,
      [&engine](Caller const& caller, std::string_view payload) {
        return With<ContractArgument>(payload, [&](auto const& argument) {
          return engine.Changes(caller.twin, argument.contract_id);
        });
      },
      Effect::kReads, Runs::kAtOnce);
  router.Add(
      "zos.deployment.list", Auth::kOwner,
      [&engine](Caller const& caller, std::string_view) { return engine.List(caller.twin); });
  router.Add("zos.deployment.delete", Auth::kOwner,
             [](Caller const&, std::string_view) -> engine::Answer {
               return Refuse(400, kDeleteDisabled);
             });
  auto const connections = std::make_shared<ConnectionCount>();  // std::function must be copyable
  router.Add("zos.statistics.get", Auth::kAny,
             [&engine, connections](Caller const&, std::string_view) {
               return StatisticsJson(engine, *connections);
             });
}

}  // namespace trellis::api
