// Plugins that cannot be run are named with a reason; the others run.
#include "tests/support/patience.hpp"
#include "tests/unit/kernel/plugin/plugin_lab.hpp"

#include <dlfcn.h>
#include <gmock/gmock.h>

#include <fstream>
#include <future>
#include <thread>

namespace trellis::plugin {
namespace {

/// State and reason of one plugin beside a healthy one.
PluginStatus Beside(std::string const& name) {
  PluginLab lab;
  lab.Add("bare");
  lab.Add(name);
  lab.Open();
  EXPECT_EQ(lab.StatusOf("bare").state, "running");
  return lab.StatusOf(name);
}

TEST(PluginRefusal, NamesTheOtherAbiOfTheDescriptor) {
  auto const status = Beside("abi-two");
  EXPECT_EQ(status.state, "refused");
  EXPECT_EQ(status.reason, "plugin 'abi-two' was built for plugin ABI 2, this host speaks 1");
}

TEST(PluginRefusal, NamesTheOtherAbiOfTheSymbol) {
  EXPECT_EQ(Beside("abi-two-symbol").reason,
            "plugin 'abi-two-symbol' was built for plugin ABI 2 (symbol trellis_plugin_v2), this "
            "host speaks 1");
}

TEST(PluginRefusal, NamesTheNewerMinorThatIsNeeded) {
  EXPECT_EQ(Beside("abi-newer").reason,
            "plugin 'abi-newer' needs plugin ABI 1.1, this host has 1.0");
}

TEST(PluginRefusal, RefusesAShortDescriptor) {
  EXPECT_EQ(Beside("short").reason,
            "plugin 'short' has a descriptor of 64 bytes, at least 72 are needed");
}

TEST(PluginRefusal, ReadsNothingBehindTheSizeOfAnOlderTable) {
  PluginLab lab;
  lab.Add("bare");
  lab.Add("old-ops");  // its size ends inside `update`
  auto& manager = lab.Open();
  EXPECT_TRUE(manager.Updatable("bare"));
  EXPECT_TRUE(manager.Type("bare")->pausable);
  EXPECT_FALSE(manager.Updatable("old-ops"));
  EXPECT_FALSE(manager.Type("old-ops")->pausable);
  auto const answer = manager.Run(Op::kUpdate, RequestFor("old-ops", R"("x")"), nullptr);
  EXPECT_EQ(answer.status, TRL_UNSUPPORTED);
}

TEST(PluginRefusal, FailsAPluginWhoseTableIsTooShort) {
  auto const status = Beside("short-ops");
  EXPECT_EQ(status.state, "failed");
  EXPECT_EQ(status.reason, "type 'short-ops': its operations have less than 64 bytes");
}

TEST(PluginRefusal, RefusesAnotherNameThanTheFiles) {
  EXPECT_EQ(Beside("other-name").reason, "plugin 'other-name' calls itself 'somebody'");
}

TEST(PluginRefusal, RefusesALibraryWithoutEntryPoint) {
  EXPECT_EQ(Beside("no-entry").reason, "plugin 'no-entry' does not export 'trellis_plugin_v1'");
}

TEST(PluginRefusal, RefusesAFileThatIsNoLibrary) {
  PluginLab lab;
  lab.Add("bare");
  std::ofstream(lab.plugins() / "text.trellis.so") << "not a library";
  lab.Open();
  EXPECT_EQ(lab.StatusOf("text").state, "refused");
  EXPECT_THAT(lab.StatusOf("text").reason, ::testing::HasSubstr("is not a shared library"));
  EXPECT_EQ(lab.StatusOf("bare").state, "running");
}

TEST(PluginRefusal, RefusesASymbolicLink) {
  PluginLab lab;
  lab.Add("bare");
  std::filesystem::create_symlink(lab.plugins() / "bare.trellis.so",
                                  lab.plugins() / "link.trellis.so");
  lab.Open();
  EXPECT_EQ(lab.StatusOf("link").state, "refused");
}

TEST(PluginRefusal, SurvivesAnInitialiserThatThrows) {
  auto const status = Beside("throws-in-init");
  EXPECT_EQ(status.state, "refused");
  EXPECT_THAT(status.reason, ::testing::HasSubstr("its initialisers failed"));
}

TEST(PluginRefusal, LeavesTheLoaderUsableForOtherThreads) {
  Beside("throws-in-init");
  // Shared: a thread that hangs here must not be waited for at the end of the test.
  auto const loaded = std::make_shared<std::promise<bool>>();
  auto answer = loaded->get_future();
  std::thread([loaded] { loaded->set_value(::dlopen("libz.so.1", RTLD_NOW) != nullptr); }).detach();
  ASSERT_EQ(answer.wait_for(testing::kPatience), std::future_status::ready);
}

TEST(PluginRefusal, FailsAPluginWhoseCreateThrows) {
  auto const status = Beside("throws-in-create");
  EXPECT_EQ(status.state, "failed");
  EXPECT_EQ(status.reason, "thrown by create");
}

TEST(PluginRefusal, FailsAPluginWhoseCreateAnswersAnError) {
  auto const status = Beside("fails");
  EXPECT_EQ(status.state, "failed");
  EXPECT_EQ(status.reason, "there is no device");
}

TEST(PluginRefusal, LeavesADisabledPluginAlone) {
  PluginLab lab;
  lab.Add("bare");
  lab.config["bare"].enabled = false;
  lab.Open();
  EXPECT_EQ(lab.StatusOf("bare").state, "disabled");
}

TEST(PluginRefusal, NamesBothPluginsOfADoubledType) {
  PluginLab lab;
  lab.Add("twice-a");
  lab.Add("twice-b");
  lab.Open();
  EXPECT_EQ(lab.StatusOf("twice-a").state, "running");
  EXPECT_EQ(lab.StatusOf("twice-b").state, "failed");
  EXPECT_EQ(lab.StatusOf("twice-b").reason,
            "type 'disk' of plugin 'twice-b' belongs to plugin 'twice-a' already");
}

TEST(PluginRefusal, TakesRegistrationsOnlyInsideCreate) {
  auto const status = Beside("late");
  EXPECT_EQ(status.state, "failed");
  EXPECT_EQ(status.reason, "types are registered only inside create");
}

TEST(PluginRefusal, BlocksACycle) {
  PluginLab lab;
  lab.Add("cycle-a");
  lab.Add("cycle-b");
  lab.Open();
  EXPECT_EQ(lab.StatusOf("cycle-a").state, "blocked");
  EXPECT_EQ(lab.StatusOf("cycle-a").reason, "cycle-a → cycle-b → cycle-a");
  EXPECT_EQ(lab.StatusOf("cycle-b").reason, "cycle-a → cycle-b → cycle-a");
}

TEST(PluginRefusal, BlocksAPluginWhoseRequirementIsMissing) {
  auto const status = Beside("needy");
  EXPECT_EQ(status.state, "blocked");
  EXPECT_EQ(status.reason, "needs t.nobody/1");
}

TEST(PluginRefusal, RunsAPluginWhoseWishIsMissing) {
  EXPECT_EQ(Beside("wishful").state, "running");
}

TEST(PluginRefusal, KeepsNoProcessOfAPluginThatDoesNotRun) {
  PluginLab lab;
  for (auto const* name : {"bare", "fails", "late", "needy", "twice-itself"})
    lab.Add(name);
  lab.Open();
  EXPECT_EQ(HelpersOfThisProcess(),
            PluginLab::Isolated() ? std::set<std::string>{"bare"} : std::set<std::string>{});
  EXPECT_EQ(lab.StatusOf("fails").pid, 0);
}

TEST(PluginRefusal, TellsWhyATypeIsNotAvailable) {
  PluginLab lab;
  lab.Add("fails");
  auto& manager = lab.Open();
  auto const answer =
      manager.Run(Op::kProvision, RequestFor("fails", R"("x")"), CancelToken::Make());
  EXPECT_EQ(answer.status, TRL_UNAVAILABLE);
  EXPECT_EQ(answer.error,
            "workload type 'fails' is not available: plugin failed (there is no device)");
}

}  // namespace
}  // namespace trellis::plugin
