// Whatever a plugin does to its own process costs one call, and the daemon nothing.
#include "tests/support/patience.hpp"
#include "tests/unit/kernel/plugin/plugin_lab.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

namespace trellis::plugin {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kMebibyte = 1U << 20U;

class Containment : public ::testing::Test {
 protected:
  void Open() {
    lab_.hosting = Hosting::kProcess;
    lab_.Add("prober");
    lab_.Add("bare");
    lab_.config["prober"].limits.memory_bytes = 64 * kMebibyte;
    lab_.Open();
    ASSERT_EQ(lab_.StatusOf("prober").state, "running") << lab_.StatusOf("prober").reason;
  }
  OpAnswer Provision(std::string const& type, std::string const& what) {
    return lab_.manager().Run(Op::kProvision, RequestFor(type, "\"" + what + "\""), nullptr);
  }
  /// Its status when it is, for the caller knows of a death a moment before the manager does.
  PluginStatus ProberWhen(std::string const& state, std::uint32_t restarts) {
    auto const end = std::chrono::steady_clock::now() + testing::kPatience;
    auto status = lab_.StatusOf("prober");
    while ((status.state != state || status.restarts != restarts) &&
           std::chrono::steady_clock::now() < end) {
      std::this_thread::yield();
      status = lab_.StatusOf("prober");
    }
    return status;
  }
  PluginLab lab_;
};

class Misdeed : public Containment, public ::testing::WithParamInterface<char const*> {};

TEST_P(Misdeed, CostsOneCallAndTheDaemonNothing) {
  Open();
  auto const before = UsageOf(::getpid()).memory_bytes;

  EXPECT_EQ(Provision("prober", GetParam()).status, TRL_CRASHED);

  EXPECT_EQ(Provision("bare", "x").status, TRL_OK) << "others go on";
  EXPECT_EQ(ProberWhen("running", 1).restarts, 1U);
  EXPECT_EQ(Provision("prober", "run /bin/true").result, "0");
  EXPECT_LT(UsageOf(::getpid()).memory_bytes, before + 8 * kMebibyte);
}

INSTANTIATE_TEST_SUITE_P(Ways, Misdeed,
                         ::testing::Values("abort", "segfault", "exit", "use 4096", "threads 300"));

TEST_F(Containment, EndsALoopSoonAfterItsDeadline) {
  Open();
  auto const answer = Provision("prober", "loop");

  EXPECT_EQ(answer.status, TRL_CRASHED);
  EXPECT_THAT(answer.error, HasSubstr("did not return from provision in time and was killed"));
  EXPECT_EQ(ProberWhen("running", 1).restarts, 1U);
}

TEST_F(Containment, SaysWhichLimitAPluginPassed) {
  lab_.restart_delay = std::chrono::hours(1);
  Open();

  EXPECT_EQ(Provision("prober", "use 4096").status, TRL_CRASHED);

  EXPECT_THAT(ProberWhen("restarting", 0).reason, HasSubstr("64 MiB are allowed"));
}

TEST_F(Containment, WarnsOfAPluginThatKeepsDescriptors) {
  Open();

  EXPECT_EQ(Provision("prober", "open-many 940").result, "0");

  EXPECT_THAT(lab_.StatusOf("prober").warnings,
              ::testing::Contains(HasSubstr("of 1024 descriptors are open")));
  EXPECT_THAT(lab_.StatusOf("bare").warnings, ::testing::IsEmpty());
}

TEST_F(Containment, TellsWhatAPluginUses) {
  Open();

  auto const status = lab_.StatusOf("prober");

  EXPECT_GT(status.memory_bytes, 0U);
  EXPECT_LT(status.memory_bytes, 64 * kMebibyte);
  EXPECT_GE(status.tasks, 1U);
  EXPECT_GT(status.descriptors, 3U);
}

}  // namespace
}  // namespace trellis::plugin
