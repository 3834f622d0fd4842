// What plugins may declare as commands, and what a bad declaration costs them.
#include "kernel/plugin/command_names.hpp"
#include "tests/unit/kernel/plugin/plugin_lab.hpp"

#include <gmock/gmock.h>

namespace trellis::plugin {
namespace {

using ::testing::HasSubstr;

PluginConfig Commands(std::string_view rows) {
  return {true, fmt::format(R"({{"commands":[{}]}})", rows)};
}

TEST(CommandName, HasTwoToFivePartsAndBeginsWithZos) {
  for (auto const* good : {"zos.a", "zos.network.list_ports2", "zos.x.a.b.c"})
    EXPECT_TRUE(CheckCommandName(good)) << good;
  for (auto const* bad : {"zos", "zos.", "zos..a", "rmb.version", "zosa.b", "zos.A", "zos.a-b",
                          "zos.a.b.c.d.e", ".zos.a", "zos.a."}) {
    auto const checked = CheckCommandName(bad);
    ASSERT_FALSE(checked) << bad;
    EXPECT_EQ(checked.error().code, Code::kInvalid) << bad;
  }
}

TEST(CommandName, LeavesTheKernelsGroupsAlone) {
  for (auto const* taken : {"zos.deployment.x", "zos.system.x", "zos.statistics.get", "zos.debug.a",
                            "zos.perf.get", "zos.location.x", "zos.gpu.list"}) {
    auto const checked = CheckCommandName(taken);
    ASSERT_FALSE(checked) << taken;
    EXPECT_THAT(checked.error().message, HasSubstr("belongs to the kernel"));
  }
}

TEST(PluginCommands, OfASecondPluginMayNotClash) {
  PluginLab lab;
  lab.Add("commander");
  lab.Add("commander-b");
  lab.config["commander"] = Commands(R"({"name":"zos.x.one"})");
  lab.config["commander-b"] = Commands(R"({"name":"zos.x.two","aliases":["zos.x.one"]})");

  auto& manager = lab.Open();

  EXPECT_EQ(lab.StatusOf("commander").state, "running");
  EXPECT_EQ(lab.StatusOf("commander-b").state, "failed");
  EXPECT_THAT(lab.StatusOf("commander-b").reason,
              HasSubstr("command 'zos.x.one' of plugin 'commander-b' belongs to plugin "
                        "'commander' already"));
  EXPECT_TRUE(manager.RunCommand("zos.x.one", 7, "{}"));
  EXPECT_FALSE(manager.Command("zos.x.two"));
}

TEST(PluginCommands, MayNotTakeTheKernelsNames) {
  PluginLab lab;
  lab.Add("commander");
  lab.config["commander"] = Commands(R"({"name":"zos.storage.pools"})");
  lab.kernel_commands = {"zos.storage.pools"};

  lab.Open();

  EXPECT_EQ(lab.StatusOf("commander").state, "failed");
  EXPECT_THAT(lab.StatusOf("commander").reason, HasSubstr("belongs to the kernel"));
}

TEST(PluginCommands, AreThoseThatTheOperatorGrants) {
  PluginLab lab;
  lab.Add("commander");
  lab.config["commander"] = Commands(R"({"name":"zos.x.one"})");
  lab.config["commander"].permissions.emplace();

  auto& manager = lab.Open();

  EXPECT_EQ(lab.StatusOf("commander").state, "running");
  EXPECT_FALSE(manager.Command("zos.x.one"));
}

class MalformedCommand : public ::testing::TestWithParam<char const*> {};

TEST_P(MalformedCommand, FailsItsPlugin) {
  PluginLab lab;
  lab.Add("commander");
  lab.config["commander"] = Commands(GetParam());

  lab.Open();

  EXPECT_EQ(lab.StatusOf("commander").state, "failed") << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Rows, MalformedCommand,
                         ::testing::Values(R"({"name":"Zos.x.y"})", R"({"name":"zos.system.x"})",
                                           R"({"name":"zos.x.y","auth":9})",
                                           R"({"name":"zos.x.y","max_payload":1048577})",
                                           R"({"name":"zos.x.y","timeout_ms":20001})",
                                           R"({"name":"zos.x.y","aliases":["zos"]})"));

class PluginCommand : public ::testing::Test {
 protected:
  explicit PluginCommand(std::string const& timeout_ms = "20000") {
    lab_.Add("commander");
    lab_.config["commander"] =
        Commands(R"({"name":"zos.x.run","aliases":["zos.x.alias"],"max_parallel":1,"timeout_ms":)" +
                 timeout_ms + R"(},{"name":"zos.x.free"})");
    manager_ = &lab_.Open();
  }
  PluginLab lab_;
  Manager* manager_ = nullptr;
};

TEST_F(PluginCommand, RunsUnderAllItsNames) {
  EXPECT_EQ(*manager_->RunCommand("zos.x.run", 7, R"({"text":"a"})"), R"({"twin":7,"text":"a"})");
  EXPECT_EQ(*manager_->RunCommand("zos.x.alias", 8, "{}"), R"({"twin":8,"text":""})");
}

TEST_F(PluginCommand, ChoosesItsWireCode) {
  auto const reply = manager_->RunCommand(
      "zos.x.run", 7, R"({"what":"refuse","status":-3,"code":418,"text":"no tea"})");

  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, 418);
  EXPECT_EQ(reply.error().error.code, Code::kNotFound);
  EXPECT_EQ(reply.error().error.message, "no tea");
}

TEST_F(PluginCommand, ThatAnswersNoJsonBrokeTheContract) {
  auto const reply = manager_->RunCommand("zos.x.run", 7, R"({"what":"garbage"})");

  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().error.code, Code::kInternal);
}

class HastyCommand : public PluginCommand {
 protected:
  HastyCommand() : PluginCommand("200") {}
};

TEST_F(HastyCommand, TimesOutAndKeepsItsSlotUntilItReallyEnds) {
  auto const before = MonotonicNs();
  auto const stuck = manager_->RunCommand("zos.x.run", 7, R"({"what":"stuck"})");
  auto const behind = manager_->RunCommand("zos.x.alias", 7, "{}");
  auto const took = MonotonicNs() - before;

  for (auto const* reply : {&stuck, &behind}) {
    ASSERT_FALSE(*reply);
    EXPECT_EQ(reply->error().error.code, Code::kTimeout);
    EXPECT_EQ(reply->error().error.message, "command timed out");
  }
  EXPECT_LT(took, std::chrono::nanoseconds(kCallGrace).count()) << "no grace for commands";
  EXPECT_TRUE(manager_->RunCommand("zos.x.free", 7, R"({"what":"release"})"));
}

}  // namespace
}  // namespace trellis::plugin
