// The kernel's commands through the real router, over the real engine and store.
#include "kernel/api/commands.hpp"
#include "tests/support/engine/engine_world.hpp"
#include "tests/support/no_plugins.hpp"

#include <trellis/json.hpp>

#include <gmock/gmock.h>

#include <future>

namespace trellis::api {
namespace {

using engine::EngineWorld;
using ::testing::HasSubstr;
using Texts = std::vector<std::string>;

/// What the API asks of plugins: types and their state from the engine's, providers of its own.
class ApiPlugins final : public testing::NoPlugins {
 public:
  explicit ApiPlugins(testing::FakePlugins& inner) : inner_(inner) {}

  std::optional<plugin::TypeInfo> Type(std::string_view name) const override {
    return inner_.Type(name);
  }
  std::vector<plugin::TypeInfo> Types() const override { return inner_.Types(); }
  Result<plugin::InspectAnswer> Inspect(plugin::OpRequest const& request) override {
    return inner_.Inspect(request);
  }
  std::vector<plugin::ProviderInfo> Providers(std::string_view kind) const override {
    std::vector<plugin::ProviderInfo> found;
    for (auto const& [name, text] : answers) {
      if (name.first == kind) found.push_back({std::string(kind), "p", name.second, ""});
    }
    return found;
  }
  Result<std::string> AskProvider(plugin::ProviderInfo const& provider, std::string_view request,
                                  std::chrono::milliseconds) override {
    asked = request;
    return answers.at({provider.kind, provider.plugin});
  }
  std::vector<plugin::Provided> Provide(std::string_view kind, std::string_view) override {
    std::vector<plugin::Provided> all;
    for (auto const& [name, text] : answers) {
      if (name.first == kind) all.push_back({name.second, "p", text});
    }
    return all;
  }
  std::vector<plugin::PluginStatus> Status() const override { return status; }
  std::vector<std::pair<std::string, std::string>> Health() override { return health; }

  std::map<std::pair<std::string, std::string>, std::string> answers;  // kind, plugin -> JSON
  std::vector<plugin::PluginStatus> status;
  std::vector<std::pair<std::string, std::string>> health;
  std::string asked;

 private:
  testing::FakePlugins& inner_;
};

plugin::PluginStatus A(std::string name, std::string state, std::string reason = {}) {
  plugin::PluginStatus status;
  status.name = std::move(name);
  status.version = "1.0.0";
  status.state = std::move(state);
  status.reason = std::move(reason);
  return status;
}

class NodeApi : public EngineWorld {
 protected:
  static constexpr std::uint32_t kAdmin = 5;

  NodeApi() {
    Start();
    health_ = std::make_unique<Health>(*engine_, api_plugins_, "1.2.3");
    perf_ = std::make_unique<PerfRegistry>(clock_);
    AddKernelTasks(*perf_, *health_, *engine_);
    router_ = std::make_unique<Router>(
        api_plugins_, Router::Rights{[](std::uint32_t) { return false; },
                                     [](std::uint32_t twin) { return twin == kAdmin; }});
    router_->Guard("zos.debug.", Auth::kAdmin);
    AddDeploymentCommands(*router_, *engine_);
    AddDebugCommands(*router_, *engine_, api_plugins_);
    AddSystemCommands(*router_, {api_plugins_, *health_, *perf_},
                      {"1.2.3", "1.2.3", R"({"city_name":"Ghent"})"});
  }

  engine::Answer Call(std::uint32_t twin, std::string_view command, std::string payload = {}) {
    std::promise<engine::Answer> promise;
    router_->Call({twin}, command, std::move(payload),
                  [&promise](engine::Answer answer) { promise.set_value(std::move(answer)); });
    return promise.get_future().get();
  }
  std::string Say(std::uint32_t twin, std::string_view command, std::string payload = {}) {
    return Said(Call(twin, command, std::move(payload)));
  }
  json::Value Ask(std::uint32_t twin, std::string_view command, std::string payload = {}) {
    auto const answer = Call(twin, command, std::move(payload));
    EXPECT_TRUE(answer) << Said(answer);
    return json::ParseValue(answer ? *answer : "null").value();
  }
  static std::string Contract(std::uint64_t contract = kContract) {
    return fmt::format(R"({{"contract_id":{}}})", contract);
  }
  static std::string Named(std::string const& deployment = "7:100") {
    return fmt::format(R"({{"deployment":"{}"}})", deployment);
  }
  void RemoveAndSettle() {
    ASSERT_TRUE(engine_->Remove({kTwin, kContract}, "cancelled"));
    Until([this] { return !Stored(); }, "removed");
  }

  ApiPlugins api_plugins_{plugins_};
  std::unique_ptr<Health> health_;
  std::unique_ptr<PerfRegistry> perf_;
  std::unique_ptr<Router> router_;
};

// ---- what clients rely on ----

TEST_F(NodeApi, AnswersNullWhenThereIsNothingToSay) {
  auto const document = Agreed(ADocument(kContract, 0, {{"vm"}}));

  EXPECT_EQ(Say(kTwin, "zos.deployment.deploy", document), "null");
  EXPECT_EQ(Say(kTwin, "zos.deployment.deploy", document), "null") << "a repeated request";
}

TEST_F(NodeApi, TakesNoArgumentsInAllTheirForms) {
  for (auto const* payload : {"", "null", R"("")", "{}"}) {
    for (auto const* command :
         {"zos.statistics.get", "zos.deployment.list", "zos.system.version", "zos.gpu.list",
          "zos.storage.pools", "zos.system.node_features_get", "zos.perf.get_all", "zos.system.dmi",
          "zos.system.hypervisor", "zos.location.get", "rmb.version"}) {
      EXPECT_TRUE(Call(kTwin, command, payload)) << command << " with " << payload;
    }
  }
}

TEST_F(NodeApi, AnswersEmptyLists) {
  EXPECT_EQ(Say(kOtherTwin, "zos.deployment.list"), "[]");
  EXPECT_EQ(Say(kTwin, "zos.gpu.list"), "[]");
  EXPECT_EQ(Say(kTwin, "zos.storage.pools"), "[]");
  EXPECT_EQ(Say(kTwin, "zos.perf.get", R"({"name":"iperf"})"), "404 result not found");
}

TEST_F(NodeApi, ShowsATwinItsOwnDeploymentsOnly) {
  DeployAndSettle({{"vm"}});

  EXPECT_TRUE(Call(kTwin, "zos.deployment.get", Contract()));
  EXPECT_EQ(Say(kOtherTwin, "zos.deployment.get", Contract()), "404 deployment not found");
  EXPECT_EQ(Say(kOtherTwin, "zos.deployment.changes", Contract()), "404 deployment not found");
  EXPECT_EQ(Say(kTwin, "zos.deployment.get", Contract(101)), "404 deployment not found");
  EXPECT_EQ(Say(kOtherTwin, "zos.deployment.list"), "[]");
  EXPECT_EQ(Ask(kTwin, "zos.deployment.list").as_array().size(), 1U);
}

TEST_F(NodeApi, ListsActiveDeploymentsOnly) {
  plugins_.Always(plugin::Op::kProvision, "bad", testing::Fails(TRL_INVALID, "it cannot be"));
  ASSERT_TRUE(Deploy(kContract, {{"good"}}));
  ASSERT_TRUE(Deploy(kContract + 1, {{"bad"}}));
  Settle();

  auto const listed = Ask(kTwin, "zos.deployment.list").as_array();
  auto const all = Ask(kAdmin, "zos.debug.deployment.list").at("deployments").as_array();

  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].at("contract_id"), 100);
  EXPECT_EQ(all.size(), 2U);
}

TEST_F(NodeApi, RefusesAListThatNobodyCouldCarry) {
  auto const data = fmt::format(R"({{"text":"{}"}})", std::string(250'000, 'x'));
  constexpr std::uint64_t kEnough = 46;  // of three such workloads each, for 32 MiB
  for (std::uint64_t i = 0; i < kEnough; ++i) {
    ASSERT_TRUE(Deploy(
        kContract + i,
        {{.name = "a", .data = data}, {.name = "b", .data = data}, {.name = "c", .data = data}}));
  }

  EXPECT_EQ(Say(kTwin, "zos.deployment.list"),
            "413 the deployments of this twin are more than 32 MiB: ask for one with "
            "zos.deployment.get");
  EXPECT_TRUE(Call(kTwin, "zos.deployment.get", Contract()));
  EXPECT_EQ(Say(kOtherTwin, "zos.deployment.list"), "[]");
}

TEST_F(NodeApi, NeverDeletesADeploymentItself) {
  DeployAndSettle({{"vm"}});

  EXPECT_EQ(Say(kTwin, "zos.deployment.delete", Contract()),
            "400 deletion over the api is disabled, please cancel your contract instead");
  EXPECT_EQ(Shown(), Texts{"vm:ok:0"});
}

TEST_F(NodeApi, NamesArgumentsItCannotRead) {
  EXPECT_THAT(Say(kTwin, "zos.deployment.get", "[1]"), HasSubstr("400 invalid arguments: "));
  EXPECT_THAT(Say(kTwin, "zos.deployment.get", R"({"contract_id":"x"})"),
              HasSubstr("400 invalid arguments: contract_id: "));
  EXPECT_THAT(Say(kTwin, "zos.perf.get", R"({"name":5})"), HasSubstr("400 invalid arguments: "));
}

// ---- statistics ----

TEST_F(NodeApi, CountsWhatRuns) {
  ASSERT_TRUE(Deploy(kContract, {{"disk", "zmount", 0, R"({"size":1000})"}}));
  Settle();
  Pass(std::chrono::seconds(50));
  auto const later = clock_.UnixSeconds();
  ASSERT_TRUE(Deploy(kContract + 1, {{"vm"}, {"vm2"}}));
  Settle();

  auto const counters = Ask(kTwin, "zos.statistics.get");

  EXPECT_EQ(counters.at("users").at("deployments"), 2);
  EXPECT_EQ(counters.at("users").at("workloads"), 3);
  EXPECT_EQ(counters.at("users").at("last_deployment_timestamp"), later);
  EXPECT_EQ(counters.at("used").at("sru"), 1000);
  EXPECT_EQ(counters.at("used").at("mru"), counters.at("system").at("mru"));
  EXPECT_TRUE(counters.at("open_connections").is_number());
}

TEST_F(NodeApi, CountsTheSameAfterACrash) {
  ASSERT_TRUE(Deploy(kContract, {{"disk", "zmount", 0, R"({"size":1000})"}, {"vm"}}));
  Settle();
  auto const before = Ask(kTwin, "zos.statistics.get");
  router_.reset();
  perf_.reset();
  health_.reset();
  KillAndStart();
  Settle();

  auto const counted = engine_->Count();

  ASSERT_TRUE(counted);
  EXPECT_EQ(counted->workloads, before.at("users").at("workloads").to_number<std::int64_t>());
  EXPECT_EQ(counted->used.sru, before.at("used").at("sru").to_number<std::uint64_t>());
}

TEST_F(NodeApi, StopsCountingWhatIsRemoved) {
  ASSERT_TRUE(Deploy(kContract, {{"disk", "zmount", 0, R"({"size":1000})"}}));
  Settle();
  RemoveAndSettle();

  auto const counters = Ask(kTwin, "zos.statistics.get");

  EXPECT_EQ(counters.at("users").at("deployments"), 0);
  EXPECT_EQ(counters.at("users").at("workloads"), 0);
  EXPECT_EQ(counters.at("used").at("sru"), 0);
}

// ---- the node ----

TEST_F(NodeApi, SaysWhatItIs) {
  EXPECT_EQ(Say(kTwin, "zos.system.version"), R"({"zos":"1.2.3","zinit":"1.2.3"})");
  EXPECT_EQ(Say(kTwin, "rmb.version"), R"("1.2.3")");
  EXPECT_EQ(Say(kTwin, "zos.location.get"), R"({"city_name":"Ghent"})");
  EXPECT_TRUE(Ask(kTwin, "zos.system.hypervisor").is_string());
  EXPECT_TRUE(Ask(kTwin, "zos.system.dmi").at("sections").is_array());
}

TEST_F(NodeApi, OffersTypesAndWhatPluginsAdd) {
  api_plugins_.answers[{"features", "network"}] = R"(["wireguard","mycelium"])";

  auto const features = Ask(kTwin, "zos.system.node_features_get").as_array();
  Texts names;
  for (auto const& feature : features)
    names.emplace_back(feature.as_string());

  EXPECT_THAT(names, ::testing::ElementsAre("fake", "mycelium", "network", "wireguard", "zlogs",
                                            "zmachine", "zmount"));
}

TEST_F(NodeApi, MergesWhatSeveralPluginsOffer) {
  api_plugins_.answers[{"pools", "a"}] = R"([{"name":"ssd0"}])";
  api_plugins_.answers[{"pools", "b"}] = R"([{"name":"hdd0"},{"name":"hdd1"}])";
  api_plugins_.answers[{"pools", "c"}] = R"("no list")";
  api_plugins_.answers[{"gpu", "a"}] = R"([{"id":"0000:01:00.0"}])";

  EXPECT_EQ(Say(kTwin, "zos.storage.pools"),
            R"([{"name":"ssd0"},{"name":"hdd0"},{"name":"hdd1"}])");
  EXPECT_EQ(Say(kTwin, "zos.gpu.list"), R"([{"id":"0000:01:00.0"}])");
}

TEST_F(NodeApi, RunsItsOwnPerformanceTasks) {
  auto const check = Ask(kTwin, "zos.perf.get", R"({"name":"HealthCheck"})");
  auto const cpu = Ask(kTwin, "zos.perf.get", R"({"name":"cpu-benchmark"})");

  EXPECT_EQ(check.at("name"), "healthcheck");
  EXPECT_TRUE(check.at("result").at("engine").as_array().empty());
  EXPECT_GT(cpu.at("result").at("single").to_number<double>(), 0);
  EXPECT_EQ(Ask(kTwin, "zos.perf.get_all").as_array().size(), 2U);
}

// ---- health ----

TEST_F(NodeApi, IsHealthyWhenNothingNeedsAnOperator) {
  auto running = A("storage", "running");
  running.types = {"zmount"};
  api_plugins_.status = {running, A("zdb", "disabled")};

  auto const diagnostics = Ask(kTwin, "zos.system.diagnostics");

  EXPECT_EQ(diagnostics.at("healthy"), true);
  EXPECT_EQ(diagnostics.at("system_status_ok"), true);
  auto const& storage = diagnostics.at("modules").at("plugin.storage");
  EXPECT_TRUE(storage.at("error").is_null());
  EXPECT_EQ(boost::json::serialize(storage.at("status").at("objects")),
            R"([{"name":"zmount","version":"1.0.0"}])");
}

TEST_F(NodeApi, IsUnhealthyWhenAPluginDidNotLoad) {
  api_plugins_.status = {A("zdb", "failed", "a name clash")};

  auto const diagnostics = Ask(kTwin, "zos.system.diagnostics");

  EXPECT_EQ(diagnostics.at("healthy"), false);
  EXPECT_THAT(std::string(diagnostics.at("modules").at("plugin.zdb").at("error").as_string()),
              HasSubstr("a name clash"));
}

TEST_F(NodeApi, ShowsWhatAPluginComplainsOfWithoutCallingTheNodeUnhealthy) {
  api_plugins_.health = {
      {"storage", R"({"checks":[{"name":"pool","ok":false,"message":"half full"}]})"}};

  auto const diagnostics = Ask(kTwin, "zos.system.diagnostics");

  EXPECT_EQ(diagnostics.at("healthy"), true);
  EXPECT_EQ(diagnostics.at("modules").at("health.storage").at("error"), "pool: half full");
}

TEST_F(NodeApi, IsUnhealthyWhenARemovalFailsTenTimes) {
  DeployAndSettle({{"vm"}});
  plugins_.Always(plugin::Op::kDeprovision, "vm", testing::Fails(TRL_IO, "it is busy"));
  ASSERT_TRUE(engine_->Remove({kTwin, kContract}, "cancelled"));
  for (std::uint32_t tries = 1; tries <= 10; ++tries) {
    UntilTried(tries);
    EXPECT_EQ(Ask(kTwin, "zos.system.diagnostics").at("healthy"), tries < 10) << tries;
    Pass(std::chrono::seconds(300));
  }
}

TEST_F(NodeApi, IsUnhealthyWhenAnOperationNeverComesBack) {
  plugins_.Always(plugin::Op::kProvision, "vm", testing::Hangs());
  ASSERT_TRUE(Deploy(kContract, {{"vm"}}));
  Until([this] { return engine_->wedged() == 1; }, "wedged");

  EXPECT_EQ(Ask(kTwin, "zos.system.diagnostics").at("healthy"), false);
}

// ---- debug ----

TEST_F(NodeApi, KeepsDebugCommandsForAdministrators) {
  for (auto const* command : {"list", "get", "history", "info", "health", "whatever"}) {
    EXPECT_EQ(Say(kTwin, fmt::format("zos.debug.deployment.{}", command), Named()),
              "401 unauthorized");
  }
  EXPECT_EQ(Say(kAdmin, "zos.debug.deployment.whatever", Named()), "404 function is not found");
}

TEST_F(NodeApi, ExplainsNamesOfDeploymentsItCannotRead) {
  for (auto const* command : {"get", "history", "info", "health"}) {
    auto const name = fmt::format("zos.debug.deployment.{}", command);
    EXPECT_EQ(Say(kAdmin, name), "400 deployment identifier is required");
    for (auto const* bad : {"7", "7-100", "a:b", "7:", ":100", "7:100:1", "-7:100"}) {
      EXPECT_EQ(Say(kAdmin, name, Named(bad)),
                fmt::format("400 invalid deployment format: expected 'twin-id:contract-id', got "
                            "'{}'",
                            bad));
    }
    EXPECT_EQ(Say(kAdmin, name, Named("7:101")), "404 deployment not found");
  }
}

TEST_F(NodeApi, ShowsAdministratorsWhatTheEngineKnows) {
  DeployAndSettle({{"vm"}});

  auto const shown = Ask(kAdmin, "zos.debug.deployment.get", Named());

  EXPECT_EQ(shown.at("desired"), "present");
  EXPECT_EQ(shown.at("message"), "");
  EXPECT_TRUE(shown.at("jobs").as_array().empty());
  auto const& workload = shown.at("deployment").at("workloads").at(0);
  EXPECT_EQ(workload.at("name"), "vm");
  EXPECT_EQ(workload.at("effective_version"), 0);
  EXPECT_EQ(workload.at("owned"), true);
  EXPECT_EQ(workload.at("fails"), 0);
  EXPECT_EQ(workload.at("next_try"), 0);
  EXPECT_FALSE(Ask(kTwin, "zos.deployment.get", Contract())
                   .at("workloads")
                   .at(0)
                   .as_object()
                   .contains("owned"))
      << "clients see what they know";
}

TEST_F(NodeApi, ShowsAdministratorsTheJobsOfADeployment) {
  DeployAndSettle({{"vm"}});
  plugins_.Always(plugin::Op::kDeprovision, "vm", testing::Fails(TRL_IO, "it is busy"));
  ASSERT_TRUE(engine_->Remove({kTwin, kContract}, "cancelled"));
  UntilTried(1);
  Pass(std::chrono::seconds(2));

  auto const shown = Ask(kAdmin, "zos.debug.deployment.get", Named());

  ASSERT_EQ(shown.at("jobs").as_array().size(), 1U);
  auto const& job = shown.at("jobs").at(0);
  EXPECT_EQ(job.at("kind"), "remove");
  EXPECT_EQ(job.at("state"), "parked");
  EXPECT_EQ(job.at("attempts"), 1);
  EXPECT_EQ(job.at("age"), 2);
  EXPECT_THAT(std::string(job.at("error").as_string()), HasSubstr("it is busy"));
  EXPECT_EQ(shown.at("desired"), "absent");
}

TEST_F(NodeApi, ListsWhatIsBeingRemovedForAdministrators) {
  DeployAndSettle({{"vm"}});
  ASSERT_TRUE(Deploy(kContract + 1, {{"vm"}}, kOtherTwin));
  Settle();

  auto const all = Ask(kAdmin, "zos.debug.deployment.list").at("deployments").as_array();
  auto const one =
      Ask(kAdmin, "zos.debug.deployment.list", R"({"twin_id":8})").at("deployments").as_array();

  EXPECT_EQ(all.size(), 2U);
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].at("contract_id"), 101);
  EXPECT_EQ(boost::json::serialize(one[0].at("workloads")),
            R"([{"type":"fake","name":"vm","state":"ok","message":""}])");
}

TEST_F(NodeApi, TellsTheHistoryAlsoOfWhatIsGone) {
  DeployAndSettle({{"vm"}});
  auto const before = Ask(kAdmin, "zos.debug.deployment.history", Named());
  RemoveAndSettle();

  auto const after = Ask(kAdmin, "zos.debug.deployment.history", Named());

  auto const states = [](json::Value const& history) {
    Texts texts;
    for (auto const& entry : history.at("history").as_array())
      texts.push_back(fmt::format("{} {}", entry.at("seq").as_int64(),
                                  std::string_view(entry.at("state").as_string())));
    return texts;
  };
  EXPECT_EQ(before.at("deployment"), "7:100");
  EXPECT_EQ(states(before), (Texts{"1 init", "2 ok"}));
  EXPECT_EQ(states(after), (Texts{"1 init", "2 ok", "3 deleted"}));
  EXPECT_EQ(Say(kTwin, "zos.deployment.changes", Contract()), "404 deployment not found");
}

TEST_F(NodeApi, AsksTheTypesPluginAboutAWorkload) {
  DeployAndSettle({{"vm"}});
  auto const plugin = plugins_.Type("fake")->plugin;
  api_plugins_.answers[{"info", plugin}] = R"({"info":{"pid":5},"logs":"booted"})";
  api_plugins_.answers[{"info", "another"}] = R"({"info":1})";

  auto const info = Ask(kAdmin, "zos.debug.deployment.info",
                        R"({"deployment":"7:100","workload":"vm","verbose":true})");

  EXPECT_EQ(
      boost::json::serialize(info),
      R"({"workload_id":"7-100-vm","type":"fake","name":"vm","info":{"pid":5},"logs":"booted"})");
  EXPECT_EQ(api_plugins_.asked, R"({"id":"7-100-vm","verbose":true})");
  EXPECT_EQ(Say(kAdmin, "zos.debug.deployment.info", R"({"deployment":"7:100","workload":"x"})"),
            "404 workload 'x' not found");
}

TEST_F(NodeApi, HasNothingToTellOfAWorkloadWhosePluginTellsNothing) {
  DeployAndSettle({{"vm"}});

  auto const info =
      Ask(kAdmin, "zos.debug.deployment.info", R"({"deployment":"7:100","workload":"vm"})");

  EXPECT_TRUE(info.at("info").is_null());
  EXPECT_EQ(info.at("logs"), "");
}

TEST_F(NodeApi, ChecksTheHealthOfEveryWorkload) {
  DeployAndSettle({{"vm"}, {"gone"}});
  plugins_.Lose("7-100-gone");
  auto const plugin = plugins_.Type("fake")->plugin;
  api_plugins_.answers[{"health", plugin}] =
      R"({"checks":[{"name":"ping","ok":true,"message":"","evidence":{"ms":1}}]})";

  auto const health = Ask(kAdmin, "zos.debug.deployment.health", Named());

  auto const& good = health.at("workloads").at(0);
  auto const& bad = health.at("workloads").at(1);
  EXPECT_EQ(health.at("twin_id"), 7);
  EXPECT_EQ(good.at("workload_id"), "7-100-vm");
  EXPECT_EQ(good.at("status"), "healthy");
  EXPECT_EQ(good.at("checks").as_array().size(), 2U);
  EXPECT_EQ(bad.at("status"), "unhealthy");
}

TEST_F(NodeApi, RunsNothingThatAnAdministratorNames) {
  DeployAndSettle({{"vm"}});

  auto const health =
      Ask(kAdmin, "zos.debug.deployment.health",
          R"({"deployment":"7:100","options":{"system_probe":"touch /tmp/trellis-probe"}})");

  EXPECT_EQ(health.at("workloads").at(0).at("status"), "healthy");
  EXPECT_FALSE(std::filesystem::exists("/tmp/trellis-probe"));
}

}  // namespace
}  // namespace trellis::api
