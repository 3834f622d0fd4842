// What a plugin does to its own process costs the calls in flight, and nothing else.
#include "tests/support/patience.hpp"
#include "tests/unit/kernel/plugin/plugin_lab.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <thread>

namespace trellis::plugin {
namespace {

class PluginIsolation : public ::testing::Test {
 protected:
  PluginIsolation() { lab_.hosting = Hosting::kProcess; }
  Manager& Open() { return lab_.Open(); }
  OpAnswer Provision(std::string_view type, std::string_view what,
                     std::shared_ptr<CancelToken> cancel = nullptr) {
    return lab_.manager().Run(Op::kProvision,
                              RequestFor(std::string(type), fmt::format("\"{}\"", what)),
                              std::move(cancel));
  }
  /// The first answer of a plugin that was restarted.
  OpAnswer ProvisionOnceBack(std::string_view type, std::string_view what) {
    auto const end = std::chrono::steady_clock::now() + testing::kPatience;
    auto answer = Provision(type, what);
    while (answer.status == TRL_UNAVAILABLE && std::chrono::steady_clock::now() < end) {
      std::this_thread::yield();
      answer = Provision(type, what);
    }
    return answer;
  }
  /// The death is known to the caller a moment before it is to the manager.
  bool Becomes(std::string_view plugin, std::string_view state) {
    auto const end = std::chrono::steady_clock::now() + testing::kPatience;
    while (lab_.StatusOf(plugin).state != state && std::chrono::steady_clock::now() < end)
      std::this_thread::yield();
    return lab_.StatusOf(plugin).state == state;
  }
  PluginLab lab_;
};

class PluginDeath : public PluginIsolation, public ::testing::WithParamInterface<char const*> {};

TEST_P(PluginDeath, CostsOneCallAndIsFollowedByANewProcess) {
  lab_.Add("bare");
  Open();
  auto const before = lab_.StatusOf("bare").pid;

  auto const lost = Provision("bare", GetParam());

  EXPECT_EQ(lost.status, TRL_CRASHED);
  EXPECT_EQ(lost.error, "plugin 'bare' crashed during provision");
  EXPECT_EQ(ProvisionOnceBack("bare", "x").status, TRL_OK);
  auto const status = lab_.StatusOf("bare");
  EXPECT_EQ(status.state, "running");
  EXPECT_EQ(status.restarts, 1U);
  EXPECT_NE(status.pid, before);
}

INSTANTIATE_TEST_SUITE_P(Ways, PluginDeath, ::testing::Values("segfault", "exit", "overflow"));

TEST_F(PluginIsolation, LetsOtherPluginsGoOn) {
  lab_.Add("bare");
  lab_.Add("server");
  lab_.Add("client");
  Open();

  std::thread crash([this] { EXPECT_EQ(Provision("bare", "segfault").status, TRL_CRASHED); });
  EXPECT_EQ(lab_.StatusOf("server").state, "running");
  crash.join();

  EXPECT_EQ(lab_.StatusOf("server").restarts, 0U);
  EXPECT_EQ(lab_.StatusOf("client").restarts, 0U);
}

TEST_F(PluginIsolation, FailsTheCallInFlightWhenTheProcessIsKilled) {
  lab_.Add("bare");
  Open();
  auto const pid = lab_.StatusOf("bare").pid;
  std::thread killer([&] {
    while (lab_.StatusOf("bare").calls == 0)
      std::this_thread::yield();
    ::kill(pid, SIGKILL);
  });

  auto const answer = Provision("bare", "wait");
  killer.join();

  EXPECT_EQ(answer.status, TRL_CRASHED);
}

TEST_F(PluginIsolation, GivesUpAPluginThatDiesAgainAndAgain) {
  lab_.Add("bare");
  Open();

  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(ProvisionOnceBack("bare", "segfault").status, TRL_CRASHED);
  auto const end = std::chrono::steady_clock::now() + testing::kPatience;
  while (lab_.StatusOf("bare").state != "failed" && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  auto const answer = Provision("bare", "x");

  EXPECT_EQ(answer.status, TRL_UNAVAILABLE);
  EXPECT_THAT(answer.error, ::testing::HasSubstr("died 6 times in 10 minutes"));
  EXPECT_EQ(lab_.StatusOf("bare").state, "failed");
}

TEST_F(PluginIsolation, StartsAPluginAgainWhenAsked) {
  lab_.Add("bare");
  Open();
  auto const before = lab_.StatusOf("bare").pid;

  auto const done = lab_.manager().Restart("bare");

  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(lab_.StatusOf("bare").state, "running");
  EXPECT_NE(lab_.StatusOf("bare").pid, before);
  EXPECT_EQ(Provision("bare", "x").status, TRL_OK);
}

TEST_F(PluginIsolation, StartsAPluginThatWasGivenUpWhenAsked) {
  lab_.Add("bare");
  Open();
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(ProvisionOnceBack("bare", "segfault").status, TRL_CRASHED);
  ASSERT_TRUE(Becomes("bare", "failed"));

  ASSERT_TRUE(lab_.manager().Restart("bare"));

  EXPECT_EQ(Provision("bare", "x").status, TRL_OK);
}

TEST_F(PluginIsolation, LetsTheCallInFlightEndBeforeARestart) {
  lab_.Add("bare");
  Open();
  auto const cancel = CancelToken::Make();
  OpAnswer answer;
  std::thread caller([&] { answer = Provision("bare", "wait", cancel); });
  while (lab_.StatusOf("bare").calls == 0)
    std::this_thread::yield();
  std::thread canceller([&] { cancel->Cancel(); });

  ASSERT_TRUE(lab_.manager().Restart("bare"));
  caller.join();
  canceller.join();

  EXPECT_EQ(answer.status, TRL_CANCELLED) << "not crashed";
}

TEST_F(PluginIsolation, RestartsOnlyWhatRunsInAProcess) {
  lab_.hosting = Hosting::kInline;
  lab_.Add("bare");
  Open();

  EXPECT_EQ(lab_.manager().Restart("bare").error().code, Code::kUnsupported);
  EXPECT_EQ(lab_.manager().Restart("nobody").error().code, Code::kNotFound);
}

TEST_F(PluginIsolation, CancelsACallInAnotherProcess) {
  lab_.Add("bare");
  Open();
  auto const cancel = CancelToken::Make();
  std::thread canceller([&] {
    while (lab_.StatusOf("bare").calls == 0)
      std::this_thread::yield();
    cancel->Cancel();
  });

  auto const answer = Provision("bare", "wait", cancel);
  canceller.join();

  EXPECT_EQ(answer.status, TRL_CANCELLED);
}

}  // namespace
}  // namespace trellis::plugin
