// Commands of a real plugin through the real router.
#include "kernel/api/router.hpp"
#include "tests/unit/kernel/plugin/plugin_lab.hpp"

#include <gmock/gmock.h>

#include <future>

namespace trellis::api {
namespace {

using ::testing::Each;

constexpr std::uint32_t kFarmer = 3;

class PluginCommandApi : public ::testing::Test {
 protected:
  void SetUp() override {
    lab_.Add("commander");
    lab_.config["commander"] = {true,
                                R"({"commands":[
          {"name":"zos.x.echo","aliases":["zos.x.alias"]},
          {"name":"zos.x.stuck","timeout_ms":300,"max_parallel":8},
          {"name":"zos.admin.farm","auth":2},
          {"name":"zos.x.local","flags":2}]})",
                                {}};
    router_ = std::make_unique<Router>(
        lab_.Open(), Router::Rights{[](std::uint32_t twin) { return twin == kFarmer; },
                                    [](std::uint32_t) { return false; }});
    router_->Add("zos.kernel", Auth::kAny,
                 [](Caller const&, std::string_view) { return engine::Answer("null"); });
  }
  std::future<std::string> Begin(Caller const& caller, std::string_view command,
                                 std::string payload = {}) {
    auto promise = std::make_shared<std::promise<std::string>>();
    router_->Call(caller, command, std::move(payload), [promise](engine::Answer const& answer) {
      promise->set_value(
          answer ? *answer : fmt::format("{} {}", answer.error().code, answer.error().message));
    });
    return promise->get_future();
  }
  std::string Call(Caller const& caller, std::string_view command, std::string payload = {}) {
    return Begin(caller, command, std::move(payload)).get();
  }

  plugin::PluginLab lab_;
  std::unique_ptr<Router> router_;
};

TEST_F(PluginCommandApi, AnswersUnderAllNamesWithTheCallersTwin) {
  EXPECT_EQ(Call({7}, "zos.x.echo", R"({"text":"a"})"), R"({"twin":7,"text":"a"})");
  EXPECT_EQ(Call({8}, "zos.x.alias"), R"({"twin":8,"text":""})");
}

TEST_F(PluginCommandApi, AnswersNullForNothing) {
  EXPECT_EQ(Call({7}, "zos.x.echo", R"({"what":"nothing"})"), "null");
}

TEST_F(PluginCommandApi, KeepsTheDetailsOfAFaultToItself) {
  EXPECT_EQ(Call({7}, "zos.x.echo", R"({"what":"throw"})"), "500 internal error");
  EXPECT_EQ(Call({7}, "zos.x.echo", R"({"what":"garbage"})"), "500 internal error");
}

TEST_F(PluginCommandApi, ChecksRightsForThePlugin) {
  EXPECT_EQ(Call({7}, "zos.admin.farm"), "401 unauthorized");
  EXPECT_EQ(Call({kFarmer}, "zos.admin.farm"), R"({"twin":3,"text":""})");
  EXPECT_EQ(Call({kFarmer}, "zos.x.local"), "404 function is not found");
  EXPECT_EQ(Call({7, /*local=*/true}, "zos.x.local"), R"({"twin":7,"text":""})");
}

TEST_F(PluginCommandApi, AStuckHandlerCostsItsOwnCallersTimeOnly) {
  std::vector<std::future<std::string>> stuck;
  for (std::uint32_t twin = 10; twin < 14; ++twin)
    stuck.push_back(Begin({twin}, "zos.x.stuck", R"({"what":"stuck"})"));

  EXPECT_EQ(Call({7}, "zos.kernel"), "null") << "the kernel goes on";
  std::vector<std::string> answers;
  for (auto& answer : stuck)
    answers.push_back(answer.get());
  EXPECT_THAT(answers, Each("503 command timed out"));
  EXPECT_EQ(Call({7}, "zos.x.echo"), R"({"twin":7,"text":""})") << "so do other commands";
  EXPECT_EQ(Call({7}, "zos.x.echo", R"({"what":"release"})"), "null");
}

TEST_F(PluginCommandApi, ACommandOfAStoppedPluginIsNotFound) {
  lab_.manager().Stop();

  EXPECT_EQ(Call({7}, "zos.x.echo"), "404 function is not found");
}

}  // namespace
}  // namespace trellis::api
