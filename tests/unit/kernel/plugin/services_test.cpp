// Calls between plugins go through the broker.
#include "tests/unit/kernel/plugin/plugin_lab.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

namespace trellis::plugin {
namespace {

class PluginServices : public ::testing::Test {
 protected:
  PluginServices() {
    for (auto const* name : {"brief", "client", "server", "stranger", "wishful"})
      lab_.Add(name);
    manager_ = &lab_.Open();
  }
  OpAnswer Call(std::string type, std::string_view method) {
    auto request = RequestFor(std::move(type), fmt::format("\"call {}\"", method));
    return manager_->Run(Op::kProvision, request, CancelToken::Make());
  }
  PluginLab lab_;
  Manager* manager_ = nullptr;
};

TEST_F(PluginServices, ReachTheProviderWithTheCallersTwin) {
  auto const answer = Call("client", "echo");
  EXPECT_EQ(answer.status, TRL_OK) << answer.error;
  EXPECT_EQ(answer.result, R"({"twin":7})");
}

TEST_F(PluginServices, CarryDescriptors) {
  EXPECT_EQ(Call("client", "fd").status, TRL_OK);
  std::vector<int> fds;
  auto const reply = manager_->CallService("t.echo/1", "fd", "{}", &fds);
  ASSERT_TRUE(reply) << reply.error().message;
  ASSERT_EQ(fds.size(), 1U);
  EXPECT_EQ(::close(fds[0]), 0);
}

TEST_F(PluginServices, NeedAnEntryInTheManifest) {
  auto const answer = Call("stranger", "echo");
  EXPECT_EQ(answer.status, TRL_DENIED);
  EXPECT_EQ(answer.error, "plugin 'stranger' does not list service 't.echo/1' in its manifest");
}

TEST_F(PluginServices, HandTheProvidersRefusalOn) {
  EXPECT_EQ(Call("client", "nonsense").status, TRL_UNSUPPORTED);
}

TEST_F(PluginServices, InheritTheDeadline) {
  // The provider waits for nothing but its cancellation.
  EXPECT_THAT(Call("brief", "wait").status, ::testing::AnyOf(TRL_TIMEOUT, TRL_CANCELLED));
}

TEST_F(PluginServices, AreReconciled) {
  manager_->Recovered({{"7-9-w", "client"}});
  EXPECT_EQ(Call("client", "echo").status, TRL_OK);
}

}  // namespace
}  // namespace trellis::plugin
