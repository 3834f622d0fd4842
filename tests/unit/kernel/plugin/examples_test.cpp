// The SDK's examples load and work.
#include "tests/unit/kernel/plugin/plugin_lab.hpp"

namespace trellis::plugin {
namespace {

TEST(ExamplePlugins, KeepANoteInCpp) {
  PluginLab lab;
  lab.Add("cpp-minimal", "examples");
  auto& manager = lab.Open();
  auto const request = RequestFor("note", R"({"text":"hello"})");

  auto const first = manager.Run(Op::kProvision, request, CancelToken::Make());
  auto const second = manager.Run(Op::kProvision, request, CancelToken::Make());
  auto const owned = manager.ListOwned("note");
  auto const seen = manager.Inspect(request);
  auto const gone = manager.Run(Op::kDeprovision, request, CancelToken::Make());
  auto const after = manager.Inspect(request);

  EXPECT_EQ(first.status, TRL_OK) << first.error;
  EXPECT_EQ(first.result, R"({"bytes":5})");
  EXPECT_EQ(second.status, TRL_NO_ACTION);
  ASSERT_TRUE(owned) << owned.error().message;
  EXPECT_EQ(*owned, std::vector<std::string>{"7-9-w"});
  ASSERT_TRUE(seen && after);
  EXPECT_EQ(seen->state, TRL_OBSERVED_RUNNING);
  EXPECT_EQ(gone.status, TRL_OK);
  EXPECT_EQ(after->state, TRL_OBSERVED_ABSENT);
}

TEST(ExamplePlugins, KeepANoteInC) {
  PluginLab lab;
  lab.Add("c-minimal", "examples");
  auto& manager = lab.Open();
  auto const request = RequestFor("c-note", R"({"text":"hello"})");

  auto const made = manager.Run(Op::kProvision, request, CancelToken::Make());
  auto const seen = manager.Inspect(request);
  auto const gone = manager.Run(Op::kDeprovision, request, CancelToken::Make());
  auto const again = manager.Run(Op::kDeprovision, request, CancelToken::Make());

  EXPECT_EQ(made.status, TRL_OK) << made.error;
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_EQ(seen->state, TRL_OBSERVED_RUNNING);
  EXPECT_EQ(gone.status, TRL_OK);
  EXPECT_EQ(again.status, TRL_OK);
}

}  // namespace
}  // namespace trellis::plugin
