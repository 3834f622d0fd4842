// Another version of a plugin takes over while it is used, or nothing changes.
#include "tests/support/patience.hpp"
#include "tests/unit/kernel/plugin/morph_lab.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

namespace trellis::plugin {
namespace {

using std::chrono::milliseconds;
using ::testing::Contains;
using ::testing::HasSubstr;

class PluginReload : public ::testing::Test {
 protected:
  /// Reloads, which fails: what it says.
  std::string Refused() {
    auto const done = morph_.lab.manager().Reload("morph");
    EXPECT_FALSE(done);
    return done ? "" : done.error().message;
  }
  bool Becomes(std::function<bool()> const& condition) {
    auto const end = std::chrono::steady_clock::now() + testing::kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }

  MorphLab morph_;
};

TEST_F(PluginReload, TakesTheNewFile) {
  morph_.lab.Open();
  EXPECT_TRUE(morph_.AnswersAs("1.0.0"));
  morph_.Install(2);

  auto const done = morph_.lab.manager().Reload("morph");

  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->from, "1.0.0");
  EXPECT_EQ(done->to, "2.0.0");
  EXPECT_TRUE(morph_.AnswersAs("2.0.0"));
  EXPECT_EQ(morph_.lab.StatusOf("morph").state, "running");
  EXPECT_EQ(morph_.lab.StatusOf("morph").version, "2.0.0");
}

TEST_F(PluginReload, MigratesStateAndConfiguration) {
  morph_.lab.Open();
  EXPECT_EQ(morph_.Provision().status, TRL_OK);
  morph_.Install(2);

  ASSERT_TRUE(morph_.lab.manager().Reload("morph"));

  EXPECT_EQ(morph_.File("things"), "thing 7-9-w\n");
  EXPECT_EQ(morph_.File(".version"), "2\n");
  EXPECT_THAT(morph_.Result(), HasSubstr(R"({\"coat\":\"red\"})"));
  EXPECT_EQ(morph_.lab.manager().MigratedConfigOf("morph"), R"({"coat":"red"})");
}

TEST_F(PluginReload, LosesNoCallWhileVersionsChange) {
  morph_.lab.Open();
  std::atomic<bool> stop = false;
  std::atomic<int> failed = 0;
  std::atomic<int> done = 0;
  std::vector<std::thread> users;
  for (int i = 0; i < 3; ++i) {
    users.emplace_back([&] {
      while (!stop) {
        ++done;
        if (morph_.Provision().status != TRL_OK) ++failed;
        if (!morph_.lab.manager().RunCommand("zos.x.morph.version", 1, "")) ++failed;
      }
    });
  }

  for (int i = 0; i < 10; ++i) {
    morph_.Install(i % 2 == 0 ? 2 : 1);
    if (i % 2 == 1) std::filesystem::remove(morph_.lab.root() / "state/plugins/morph/.version");
    auto const reloaded = morph_.lab.manager().Reload("morph");
    EXPECT_TRUE(reloaded) << reloaded.error().message;
  }
  stop = true;
  for (auto& user : users)
    user.join();

  EXPECT_EQ(failed, 0) << "of " << done;
}

TEST_F(PluginReload, WaitsForRunningCallsAndLetsNewOnesWait) {
  morph_.lab.Open();
  std::string slow;
  std::thread running([&] { slow = morph_.Provision(R"({"slow_ms":300})").result; });
  ASSERT_TRUE(Becomes([&] { return morph_.lab.manager().calls() > 2; }));
  morph_.Install(2);

  ASSERT_TRUE(morph_.lab.manager().Reload("morph"));
  running.join();

  EXPECT_THAT(slow, HasSubstr("1.0.0"));
  EXPECT_TRUE(morph_.AnswersAs("2.0.0"));
}

TEST_F(PluginReload, LeavesARunningCallAloneWhenItTakesTooLong) {
  morph_.lab.reload.drain = milliseconds(50);
  morph_.lab.Open();
  std::string slow;
  auto const cancel = CancelToken::Make();
  std::thread running([&] {
    auto const request = RequestFor("morph", R"({"slow_ms":100000})");
    slow = morph_.lab.manager().Run(Op::kProvision, request, cancel).result;
  });
  ASSERT_TRUE(Becomes([&] { return morph_.lab.manager().calls() > 2; }));
  morph_.Install(2);

  EXPECT_THAT(Refused(), HasSubstr("it failed at 'drain'"));
  cancel->Cancel();  // it ends earlier, and is as good
  running.join();

  EXPECT_THAT(slow, HasSubstr("1.0.0"));
  EXPECT_TRUE(morph_.AnswersAs("1.0.0"));
}

/// A version that fails at a step, and what that step is called.
struct Failure {
  char const* script;
  char const* step;
};
class PluginReloadFails : public PluginReload, public ::testing::WithParamInterface<Failure> {};

TEST_P(PluginReloadFails, AndTheOldVersionGoesOnWithItsState) {
  if (!PluginLab::Isolated() && std::string_view(GetParam().script).ends_with("crash")) {
    SUCCEED();  // in the daemon a crash is that of the daemon
    return;
  }
  morph_.lab.Open();
  EXPECT_EQ(morph_.Provision().status, TRL_OK);
  auto const before = morph_.State();
  morph_.Install(2);
  morph_.Script(2, GetParam().script);

  auto const text = Refused();

  EXPECT_THAT(text,
              HasSubstr("plugin 'morph' stays at version 1.0.0: version 2.0.0 was not taken"));
  EXPECT_THAT(text, HasSubstr(std::string("it failed at '") + GetParam().step + "'"));
  EXPECT_EQ(morph_.State(), before);
  EXPECT_TRUE(morph_.AnswersAs("1.0.0"));
  EXPECT_THAT(morph_.lab.StatusOf("morph").warnings, Contains(HasSubstr(text)));
  EXPECT_FALSE(std::filesystem::exists(morph_.lab.root() / "state/plugins/.kept-morph"));
}
INSTANTIATE_TEST_SUITE_P(
    Steps, PluginReloadFails,
    ::testing::Values(Failure{"create fail", "create"}, Failure{"create crash", "create"},
                      Failure{"migrate fail", "state"}, Failure{"migrate crash", "state"},
                      Failure{"start fail", "start"}, Failure{"start crash", "start"},
                      Failure{"health bad", "health"}, Failure{"health crash", "health"}));

TEST_F(PluginReload, GivesUpAVersionThatHangs) {
  if (!PluginLab::Isolated()) return;             // nobody can end a thread of the daemon
  morph_.lab.reload.create = milliseconds(3000);  // enough for those that do not hang
  morph_.lab.reload.start = milliseconds(500);
  morph_.lab.Open();
  morph_.Install(2);
  for (auto const* step : {"create", "start"}) {
    morph_.Script(2, std::string(step) + " hang");
    EXPECT_THAT(Refused(), HasSubstr(std::string("it failed at '") + step + "'"));
    EXPECT_TRUE(morph_.AnswersAs("1.0.0"));
  }
}

TEST_F(PluginReload, TakesAVersionBackThatCrashesSoonAfter) {
  if (!PluginLab::Isolated()) return;  // in the daemon a crash is that of the daemon
  morph_.lab.Open();
  EXPECT_EQ(morph_.Provision().status, TRL_OK);
  auto const before = morph_.State();
  morph_.Install(2);
  morph_.Script(2, "provision crash");
  ASSERT_TRUE(morph_.lab.manager().Reload("morph"));

  EXPECT_EQ(morph_.Provision().status, TRL_CRASHED);

  // The caller may know of the death before the manager does.
  ASSERT_TRUE(Becomes([&] { return morph_.lab.StatusOf("morph").version == "1.0.0"; }));
  EXPECT_TRUE(morph_.AnswersAs("1.0.0"));
  EXPECT_EQ(morph_.File("things"), "7-9-w\n7-9-w\n");
  EXPECT_EQ(morph_.File("new"), "(none)") << before;
  EXPECT_THAT(morph_.lab.StatusOf("morph").warnings,
              Contains(HasSubstr("version 2.0.0 was taken back")));
}

TEST_F(PluginReload, StartsAVersionAgainThatCrashesAfterItsProbation) {
  if (!PluginLab::Isolated()) return;  // in the daemon a crash is that of the daemon
  morph_.lab.reload.probation = milliseconds(0);
  morph_.lab.Open();
  morph_.Install(2);
  ASSERT_TRUE(morph_.lab.manager().Reload("morph"));
  ASSERT_TRUE(Becomes(
      [&] { return !std::filesystem::exists(morph_.lab.root() / "state/plugins/.kept-morph"); }));
  morph_.Script(2, "provision crash");

  EXPECT_EQ(morph_.Provision().status, TRL_CRASHED);

  morph_.Script(2, "");
  EXPECT_TRUE(Becomes([&] { return morph_.AnswersAs("2.0.0"); }));
}

TEST_F(PluginReload, RefusesAVersionThatLeavesOutATypeInUse) {
  morph_.lab.Open();
  morph_.lab.kernel().known = {{"7-9-w", "morph"}, {"7-9-x", "morph-more"}};
  morph_.Install(3);

  EXPECT_THAT(Refused(), HasSubstr("it failed at 'check': it does not register type 'morph-more', "
                                   "which 1 workloads have"));
  EXPECT_TRUE(morph_.AnswersAs("1.0.0"));
}

TEST_F(PluginReload, TakesAVersionThatLeavesOutATypeNobodyUses) {
  morph_.lab.Open();
  auto const revision = morph_.lab.manager().Revision();
  morph_.Install(3);

  auto const done = morph_.lab.manager().Reload("morph");

  ASSERT_TRUE(done) << done.error().message;
  EXPECT_FALSE(morph_.lab.manager().Known("morph-more"));
  EXPECT_NE(morph_.lab.manager().Revision(), revision);
}

TEST_F(PluginReload, RefusesAFileThatIsNotSigned) {
  if (!PluginLab::Isolated()) return;  // dev mode takes it
  morph_.lab.Open();
  morph_.Install(2);
  std::filesystem::remove(morph_.lab.plugins() / "morph.manifest.json.sig");

  EXPECT_THAT(Refused(), HasSubstr("its new file was not taken, it failed at 'load': plugin "
                                   "'morph': it is not signed"));
  EXPECT_TRUE(morph_.AnswersAs("1.0.0"));
}

TEST_F(PluginReload, RefusesStateOfANewerVersion) {
  morph_.Install(2);
  morph_.lab.config["morph"].config_version = 3;
  morph_.lab.Open();
  morph_.Install(1);

  EXPECT_THAT(Refused(), HasSubstr("state written by a newer plugin: it is of version 2"));
  EXPECT_TRUE(morph_.AnswersAs("2.0.0"));
}

TEST_F(PluginReload, StartsAPluginThatWasRefused) {
  std::filesystem::remove(morph_.lab.plugins() / "morph.manifest.json");
  morph_.lab.Open();
  EXPECT_EQ(morph_.lab.StatusOf("morph").state, "refused");
  morph_.Install(1);

  auto const done = morph_.lab.manager().Reload("morph");

  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->from, "");
  EXPECT_TRUE(morph_.AnswersAs("1.0.0"));
}

TEST_F(PluginReload, StartsAPluginWhoseFileCameLater) {
  for (auto const* file : {"morph.trellis.so", "morph.manifest.json", "morph.manifest.json.sig"})
    std::filesystem::remove(morph_.lab.plugins() / file);
  morph_.lab.Open();
  ASSERT_EQ(morph_.lab.StatusOf("morph").name, "");
  auto const revision = morph_.lab.manager().Revision();
  std::atomic<bool> stop = false;
  std::thread looks([&] {  // whoever looks meanwhile is not disturbed
    while (!stop)
      (void)morph_.lab.manager().Known("morph");
  });
  morph_.Install(1);

  auto const done = morph_.lab.manager().Reload("morph");
  stop = true;
  looks.join();

  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->from, "");
  EXPECT_EQ(done->to, "1.0.0");
  EXPECT_EQ(morph_.lab.StatusOf("morph").state, "running");
  EXPECT_TRUE(morph_.AnswersAs("1.0.0"));
  EXPECT_NE(morph_.lab.manager().Revision(), revision);
}

TEST_F(PluginReload, SaysWhyAFileThatCameLaterIsNotRun) {
  std::filesystem::remove(morph_.lab.plugins() / "morph.trellis.so");
  std::filesystem::remove(morph_.lab.plugins() / "morph.manifest.json");
  morph_.lab.Open();
  morph_.Install(1);
  std::filesystem::remove(morph_.lab.plugins() / "morph.manifest.json");

  EXPECT_THAT(Refused(), HasSubstr("it has no manifest"));
  EXPECT_EQ(morph_.lab.StatusOf("morph").state, "refused");
}

TEST_F(PluginReload, NamesAPluginThatIsNotThere) {
  morph_.lab.Open();
  auto const done = morph_.lab.manager().Reload("nobody");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "no plugin 'nobody'");
  EXPECT_FALSE(morph_.lab.manager().Reload("../plugins/morph"));
}

TEST_F(PluginReload, IsForProcessesUnlessInDevMode) {
  morph_.lab.hosting = Hosting::kInline;
  morph_.lab.trust->dev = false;
  morph_.lab.Open();
  auto const done = morph_.lab.manager().Reload("morph");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kUnsupported);
  EXPECT_THAT(done.error().message, HasSubstr("restart the daemon instead"));
}

// ---- the daemon's own end in the middle ----

TEST_F(PluginReload, BringsTheStateBackAfterADeathInTheMiddle) {
  morph_.lab.Open();
  EXPECT_EQ(morph_.Provision().status, TRL_OK);
  morph_.lab.Close();
  StoredState const state(morph_.lab.root() / "state/plugins", "morph", morph_.lab.kernel());
  ASSERT_TRUE(state.Keep());
  ASSERT_TRUE(morph_.lab.kernel().KvPut("morph", "half", "done"));
  ASSERT_TRUE(sys::WriteFileAtomic(morph_.lab.root() / "state/plugins/morph/things", "half\n"));

  morph_.lab.Open();

  EXPECT_EQ(morph_.File("things"), "7-9-w\n");
  EXPECT_FALSE(morph_.lab.kernel().KvGet("morph", "half"));
}

TEST_F(PluginReload, KeepsTheStateOfAVersionThatTookOver) {
  morph_.lab.Open();
  EXPECT_EQ(morph_.Provision().status, TRL_OK);
  morph_.Install(2);
  ASSERT_TRUE(morph_.lab.manager().Reload("morph"));
  ASSERT_TRUE(std::filesystem::exists(morph_.lab.root() / "state/plugins/.kept-morph"));
  morph_.lab.Close();

  morph_.lab.Open();

  EXPECT_TRUE(morph_.AnswersAs("2.0.0"));
  EXPECT_EQ(morph_.File("things"), "thing 7-9-w\nthing 7-9-w\n");
}

TEST_F(PluginReload, MigratesAtTheStartToo) {
  morph_.lab.Open();
  EXPECT_EQ(morph_.Provision().status, TRL_OK);
  auto const before = morph_.State();
  morph_.lab.Close();
  morph_.Install(2);

  morph_.Script(2, "migrate fail");
  morph_.lab.Open();
  EXPECT_EQ(morph_.lab.StatusOf("morph").state, "failed");
  EXPECT_THAT(morph_.lab.StatusOf("morph").reason, HasSubstr("told to fail in migrate"));
  EXPECT_EQ(morph_.State(), before);
  morph_.lab.Close();

  morph_.Script(2, "");
  morph_.lab.Open();
  EXPECT_TRUE(morph_.AnswersAs("2.0.0"));
  EXPECT_EQ(morph_.File("things"), "thing 7-9-w\nthing 7-9-w\n");
}

TEST_F(PluginReload, NamesTheStepOfAConfigurationThatCannotBeMigrated) {
  morph_.lab.config["morph"].config_json = R"({"colour":"red"})";
  morph_.Install(2);
  morph_.lab.Open();

  EXPECT_EQ(morph_.lab.StatusOf("morph").reason,
            "migrate the configuration of plugin 'morph' from version 1: 'color' is missing");
}

}  // namespace
}  // namespace trellis::plugin
