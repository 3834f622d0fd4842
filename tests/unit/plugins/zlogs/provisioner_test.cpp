// The plugin through its interface, with a machine plugin that lends a real log.
#include "tests/support/fake_host.hpp"

#include <trellis/sdk.hpp>
#include <trellis/services/net.hpp>
#include <trellis/services/vm.hpp>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace trellis::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

/// trellis.vm.machine/1 for any machine: its log is in the plugin's folder.
class LogLender {
 public:
  static constexpr char const* kManifest =
      R"({"manifest":1,"name":"lender","version":"1.0.0","summary":"","license":"",
      "services":{"provides":["trellis.vm.machine/1"],"requires":[],"wants":[]},"types":[],
      "permissions":[],"config":{"version":1,"schema":{"type":"object"}},"state":{"version":1}})";

  static Result<std::unique_ptr<LogLender>> Create(Host host, Config const&) {
    auto plugin = std::make_unique<LogLender>();
    plugin->folder_ = ReceivedFd(::open(host.state_dir().c_str(), O_PATH | O_DIRECTORY));
    plugin->path_ = host.state_dir() + "/console.log";
    plugin->file_ = ReceivedFd(::open(plugin->path_.c_str(), O_RDONLY | O_CREAT, 0600));
    auto* const self = plugin.get();
    TRELLIS_CHECK(host.RegisterService(
        services::kVmMachine,
        [self](Call&, std::string_view method, std::string_view, std::span<std::int32_t const>,
               std::vector<std::int32_t>& fds) -> Result<std::string> {
          if (method == "inspect") return R"({"state":"running","network":"net1"})";
          fds = {self->folder_.get(), self->file_.get()};
          return json::Dump(services::MachineLog{self->path_});
        }));
    return plugin;
  }

 private:
  std::string path_;
  ReceivedFd folder_;
  ReceivedFd file_;
};

}  // namespace
}  // namespace trellis::testing

TRELLIS_PLUGIN(trellis::testing::LogLender, "lender", "1.0.0")

namespace trellis::testing {
namespace {

constexpr char const* kId = "1-1-log";
constexpr char const* kProcess = "zlogs/1-1-log";
constexpr char const* kData = R"({"zmachine":"vm","output":"redis://me:secret@10.1.1.2/c"})";

class ZLogs : public ::testing::Test {
 protected:
  void SetUp() override {
    netns_ = host_.dir() + "/netns";
    MakeNetwork();
    host_.FakeService(services::kNetNamespace, [this](auto, auto) -> Result<std::string> {
      return json::Dump(services::NamespaceInfo{netns_, "", "", {"9.9.9.9"}});
    });
    ASSERT_TRUE(host_.Load(*trellis_plugin_v1()));
    auto const loaded =
        host_.Load(FakeHost::BuiltPlugin("zlogs"), R"({"max_streams_per_machine":2})");
    ASSERT_TRUE(loaded) << loaded.error().message;
    SetMachine("ok");
  }
  /// Another file under the same path, as a network that is made again.
  void MakeNetwork() const {
    std::ofstream(netns_ + ".new") << "";
    fs::rename(netns_ + ".new", netns_);
  }
  void SetMachine(std::string state, std::string type = "zmachine") {
    WorkloadView view;
    view.id = "1-1-vm";
    view.name = "vm";
    view.type = std::move(type);
    view.result.state = std::move(state);
    host_.SetWorkload(view);
  }
  Observed Look(bool paused = false) {
    CallOptions options;
    options.paused = paused;
    auto const seen = host_.Inspect("zlogs", kId, kData, options);
    return seen ? *seen : Observed::Failed(seen.error().message);
  }
  std::string StateFile() const { return host_.dir() + "/state/zlogs/1-1-log.json"; }

  FakeHost host_;
  std::string netns_;
};

TEST_F(ZLogs, RunsAStreamerInTheNamespaceOfTheMachinesNetwork) {
  auto const made = host_.Provision("zlogs", kId, kData);

  ASSERT_EQ(made.status, TRL_OK) << made.error;
  EXPECT_EQ(made.result, "null");
  auto const spec = json::Parse<ProcessSpec>(host_.Processes().at(kProcess).spec).value();
  EXPECT_EQ(spec.netns, netns_);
  EXPECT_EQ(spec.user, "nobody");
  EXPECT_EQ(spec.restart, "always");
  EXPECT_EQ(spec.listen_fds, (std::vector<std::string>{"folder", "log", "state"}));
  EXPECT_EQ(spec.env.at("LOG"), "console.log");
  EXPECT_THAT(spec.env.at("SETTINGS"), HasSubstr(R"("nameservers":["9.9.9.9"])"));
}

TEST_F(ZLogs, ShowsThePasswordToTheStreamerAlone) {
  ASSERT_TRUE(host_.Provision("zlogs", kId, kData).ok());

  auto const spec = json::Parse<ProcessSpec>(host_.Processes().at(kProcess).spec).value();
  EXPECT_EQ(spec.env.at("OUTPUT"), "redis://me:secret@10.1.1.2/c");
  for (auto const& word : spec.argv)
    EXPECT_THAT(word, Not(HasSubstr("secret")));
  for (auto const& line : host_.Logs())
    EXPECT_THAT(line.text + line.fields, Not(HasSubstr("secret")));
  EXPECT_THAT(json::Dump(json::Encode(host_.Store("zlogs"))), Not(HasSubstr("secret")));
}

TEST_F(ZLogs, DoesNothingWhenTheStreamRuns) {
  ASSERT_EQ(host_.Provision("zlogs", kId, kData).status, TRL_OK);

  EXPECT_EQ(host_.Provision("zlogs", kId, kData).status, TRL_NO_ACTION);
  CallOptions replay;
  replay.flags = TRL_CALL_REPLAY;
  EXPECT_EQ(host_.Provision("zlogs", kId, kData, replay).status, TRL_NO_ACTION);
  ASSERT_TRUE(host_.Unload("zlogs"));
  ASSERT_TRUE(host_.Load(FakeHost::BuiltPlugin("zlogs")));
  EXPECT_EQ(Look().state, Observed::State::kRunning);
}

TEST_F(ZLogs, NeedsAMachineThatIsOkayOrPaused) {
  SetMachine("error");
  EXPECT_EQ(host_.Provision("zlogs", kId, kData).error, "zmachine 'vm' is not running");
  SetMachine("ok", "zdb");
  EXPECT_EQ(host_.Provision("zlogs", kId, kData).error, "no zmachine with name 'vm'");
  host_.RemoveWorkload("1-1-vm");
  EXPECT_EQ(host_.Provision("zlogs", kId, kData).error, "no zmachine with name 'vm'");
  EXPECT_TRUE(host_.Processes().empty());

  SetMachine("paused");

  EXPECT_EQ(host_.Provision("zlogs", kId, kData).status, TRL_OK);
}

TEST_F(ZLogs, RefusesAnOutputThatCannotWork) {
  constexpr auto kBad = R"({"zmachine":"vm","output":"redis://h"})";

  auto const early = host_.Precheck("zlogs", kId, PrecheckOp::kProvision, kBad);
  auto const late = host_.Provision("zlogs", kId, kBad);

  EXPECT_EQ(early.status, TRL_INVALID);
  EXPECT_EQ(early.error, "output has no channel");
  EXPECT_EQ(late.status, TRL_INVALID);
  EXPECT_EQ(late.error, "output has no channel");
  EXPECT_TRUE(host_.Precheck("zlogs", kId, PrecheckOp::kProvision, kData).ok());
}

TEST_F(ZLogs, LimitsTheStreamsOfOneMachine) {
  ASSERT_TRUE(host_.Provision("zlogs", "1-1-a", kData).ok());
  ASSERT_TRUE(host_.Provision("zlogs", "1-1-b", kData).ok());

  auto const third = host_.Provision("zlogs", "1-1-c", kData);

  EXPECT_EQ(third.status, TRL_EXHAUSTED);
  EXPECT_EQ(third.error, "too many log streams for 'vm'");
  EXPECT_TRUE(host_.Provision("zlogs", "1-1-b", kData).ok());
  ASSERT_TRUE(host_.Deprovision("zlogs", "1-1-a", kData).ok());
  EXPECT_TRUE(host_.Provision("zlogs", "1-1-c", kData).ok());
}

TEST_F(ZLogs, LeavesNothingBehind) {
  ASSERT_TRUE(host_.Provision("zlogs", kId, kData).ok());
  EXPECT_EQ(*host_.ListOwned("zlogs"), std::vector<std::string>{kId});

  EXPECT_TRUE(host_.Deprovision("zlogs", kId, "null").ok());
  EXPECT_TRUE(host_.Deprovision("zlogs", kId, "null").ok());

  EXPECT_TRUE(host_.Processes().empty());
  EXPECT_TRUE(host_.Store("zlogs").empty());
  EXPECT_FALSE(fs::exists(StateFile()));
  EXPECT_TRUE(host_.ListOwned("zlogs")->empty());
  EXPECT_EQ(Look().state, Observed::State::kAbsent);
}

TEST_F(ZLogs, StopsWhilePaused) {
  ASSERT_TRUE(host_.Provision("zlogs", kId, kData).ok());

  ASSERT_TRUE(host_.Pause("zlogs", kId, kData).ok());
  EXPECT_TRUE(host_.Processes().empty());
  EXPECT_EQ(Look(/*paused=*/true).state, Observed::State::kPaused);
  EXPECT_TRUE(fs::exists(StateFile())) << "the place in the log";

  ASSERT_TRUE(host_.Resume("zlogs", kId, kData).ok());
  EXPECT_EQ(host_.Processes().size(), 1U);
  EXPECT_EQ(Look().state, Observed::State::kRunning);
}

TEST_F(ZLogs, IsRepairedWhenItsNetworkWasMadeAgain) {
  ASSERT_TRUE(host_.Provision("zlogs", kId, kData).ok());

  MakeNetwork();

  EXPECT_EQ(Look().state, Observed::State::kDrifted);
  EXPECT_EQ(Look().detail, "the network was made again");
  EXPECT_TRUE(host_.Provision("zlogs", kId, kData).ok());
  EXPECT_EQ(Look().state, Observed::State::kRunning);
}

TEST_F(ZLogs, TellsHowTheStreamDoes) {
  ASSERT_TRUE(host_.Provision("zlogs", kId, kData).ok());
  EXPECT_EQ(Look().detail, "connecting: starting, 0 bytes behind");
  std::ofstream(StateFile()) << R"({"state":"connecting","error":"connect: refused","behind":7})";
  EXPECT_EQ(Look().detail, "connecting: connect: refused, 7 bytes behind");
  std::ofstream(StateFile()) << R"({"state":"connected","bytes":12})";
  EXPECT_EQ(Look().detail, "connected");

  auto const info = host_.Providers("info", R"({"id":"1-1-log"})");
  auto const health = host_.Providers("health", R"({"id":"1-1-log"})");

  ASSERT_TRUE(info) << info.error().message;
  EXPECT_THAT(info->front(), HasSubstr(R"("state":"connected")"));
  EXPECT_THAT(info->front(), HasSubstr(R"("bytes":12)"));
  EXPECT_THAT(health->front(), HasSubstr(R"({"name":"zlogs.peer","ok":true)"));
}

}  // namespace
}  // namespace trellis::testing
