// FakeHost as third parties use it: header-only, over the examples and over a descriptor in memory.
#include <trellis/sdk.hpp>
#include <trellis/testing.hpp>

#include <gtest/gtest.h>

namespace trellis::testing {
namespace {

struct Bell {
  std::string tone;
  Result<void> Valid(WorkloadGetter const& others) const {
    if (!others.Get("tower")) return Invalid("tower", "a bell needs a tower");
    return {};
  }
  void Challenge(ChallengeWriter& out) const { out.Add(tone); }
  trellis::Capacity Capacity() const { return {.mru = tone.size()}; }
};
BOOST_DESCRIBE_STRUCT(Bell, (), (tone))

class Bells {
 public:
  explicit Bells(Host host) : host_(host) {}
  Result<Outcome<NoResult>> Provision(Call& call, Workload<Bell> const& workload) {
    TRELLIS_CHECK(call.Checkpoint());
    TRELLIS_TRY(auto const rope, host_.CallService(call, "t.rope/1", "tie", workload.id));
    host_.Info("rang", {{"rope", rope.body.c_str()}});
    TRELLIS_CHECK(host_.StorePut(workload.id, rope.body));
    return Outcome<NoResult>({});
  }
  Result<void> Deprovision(Call&, Workload<Bell> const& workload) {
    return host_.StoreRemove(workload.id);
  }
  Result<Observed> Inspect(Call&, Workload<Bell> const&) { return Observed::Running(); }
  Result<std::vector<std::string>> ListOwned(Call&) { return host_.StoreList(""); }

 private:
  Host host_;
};

class BellPlugin {
 public:
  static Result<std::unique_ptr<BellPlugin>> Create(Host host, Config const&) {
    auto plugin = std::make_unique<BellPlugin>(host);
    TRELLIS_CHECK(host.RegisterType<Bell>("bell", plugin->bells_));
    return plugin;
  }
  explicit BellPlugin(Host host) : bells_(host) {}

 private:
  Bells bells_;
};

class FakeHostTest : public ::testing::Test {
 protected:
  void SetUp() override {
    host_.FakeService("t.rope/1", [](std::string_view method, std::string_view) {
      return Result<std::string>(method == "tie" ? R"("hemp")" : "null");
    });
    auto const loaded = host_.Load(*trellis_plugin_v1());
    ASSERT_TRUE(loaded) << loaded.error().message;
  }
  FakeHost host_;
};

TEST_F(FakeHostTest, DrivesADescriptorInMemory) {
  auto const done = host_.Provision("bell", "1-2-big", R"({"tone":"c"})");

  EXPECT_EQ(done.status, TRL_OK) << done.error;
  EXPECT_EQ(done.result, "null");
  EXPECT_EQ(host_.ListOwned("bell").value(), std::vector<std::string>{"1-2-big"});
  EXPECT_EQ(host_.CapacityOf("bell", R"({"tone":"cc"})").value().mru, 2U);
}

TEST_F(FakeHostTest, RecordsWhatThePluginLogsAndStores) {
  ASSERT_TRUE(host_.Provision("bell", "1-2-big", R"({"tone":"c"})").ok());

  auto const logs = host_.Logs();
  ASSERT_EQ(logs.size(), 1U);
  EXPECT_EQ(logs[0].plugin, "bells");
  EXPECT_EQ(logs[0].text, "rang");
  EXPECT_EQ(host_.Store("bells").at("1-2-big"), R"("hemp")");
}

TEST_F(FakeHostTest, ShowsOtherWorkloadsToValid) {
  EXPECT_EQ(host_.Valid("bell", R"({"tone":"c"})").error().message, "[tower] a bell needs a tower");
  WorkloadView tower;
  tower.id = "1-2-tower";
  tower.name = "tower";
  host_.SetWorkload(tower);
  EXPECT_TRUE(host_.Valid("bell", R"({"tone":"c"})"));
}

TEST_F(FakeHostTest, CancelsCallsOnOrder) {
  host_.Cancel(true);
  EXPECT_EQ(host_.Provision("bell", "1-2-big", R"({"tone":"c"})").status, TRL_CANCELLED);
}

TEST_F(FakeHostTest, KeepsTheStoreOverARestart) {
  ASSERT_TRUE(host_.Provision("bell", "1-2-big", R"({"tone":"c"})").ok());
  ASSERT_TRUE(host_.Unload("bells"));
  EXPECT_EQ(host_.Provision("bell", "1-2-big", "{}").status, TRL_NOT_FOUND);
  ASSERT_TRUE(host_.Load(*trellis_plugin_v1()));
  EXPECT_EQ(host_.ListOwned("bell").value(), std::vector<std::string>{"1-2-big"});
}

TEST(FakeHostFiles, SayWhatIsWrongWithThem) {
  FakeHost host;
  auto const missing = host.Load("/nowhere/bell.trellis.so");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("cannot load '/nowhere/bell.trellis.so'"),
            std::string::npos);
}

class ExamplePlugin : public ::testing::TestWithParam<std::pair<char const*, char const*>> {};

TEST_P(ExamplePlugin, KeepsANote) {
  auto const [plugin, type] = GetParam();
  FakeHost host;
  auto const loaded = host.Load(FakeHost::BuiltPlugin(plugin));
  ASSERT_TRUE(loaded) << loaded.error().message;

  EXPECT_EQ(host.Valid(type, R"({"text":5})").error().code, Code::kDecode);
  EXPECT_EQ(host.Challenge(type, R"({ "text" : "caf\u00e9" })").value(), "café");
  auto const made = host.Provision(type, "7-9-w", R"({"text":"hello"})");
  EXPECT_EQ(made.status, TRL_OK) << made.error;
  EXPECT_EQ(host.ListOwned(type).value(), std::vector<std::string>{"7-9-w"});
  EXPECT_EQ(host.Inspect(type, "7-9-w", R"({"text":"hello"})").value().state,
            Observed::State::kRunning);
  EXPECT_TRUE(host.Deprovision(type, "7-9-w").ok());
  EXPECT_EQ(host.Inspect(type, "7-9-w", R"({"text":"hello"})").value().state,
            Observed::State::kAbsent);
}

INSTANTIATE_TEST_SUITE_P(Languages, ExamplePlugin,
                         ::testing::Values(std::pair("cpp-minimal", "note"),
                                           std::pair("c-minimal", "c-note"),
                                           std::pair("rust-minimal", "rust-note")));

}  // namespace
}  // namespace trellis::testing

TRELLIS_PLUGIN(trellis::testing::BellPlugin, "bells", "1.0.0")
