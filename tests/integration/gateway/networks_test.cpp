// Backends inside user networks, which are namespaces of their own.
#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/tool.hpp"
#include "plugins/common/posix/unix_client.hpp"
#include "plugins/gateway/daemon/messages.hpp"
#include "plugins/network/namespaces.hpp"
#include "tests/integration/gateway/lab.hpp"

#include <trellis/services/net.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>

namespace trellis::plugins::gateway {
namespace {

constexpr char const* kMachine = "10.1.2.5";

class Networks : public GatewayLab {
 protected:
  void SetUp() override {
    GatewayLab::SetUp();
    namespaces_.emplace(dir_ / "netns");
    host_->FakeService(
        services::kNetNamespace, [this](auto, std::string_view text) -> Result<std::string> {
          TRELLIS_TRY(auto const asked, json::Parse<services::NamespaceLookup>(text));
          auto const name = NameOf(asked.twin, asked.network);
          if (!namespaces_->Exists(name)) return Fail(Code::kNotFound, "no network");
          return json::Dump(
              services::NamespaceInfo{namespaces_->Path(name), "10.1.0.0/16", "10.1.2.0/24", {}});
        });
    Load();
  }
  void TearDown() override {
    GatewayLab::TearDown();
    servers_.clear();
    for (auto const& name : namespaces_->List().value_or(std::vector<std::string>{}))
      EXPECT_TRUE(namespaces_->Remove(name));
  }
  static std::string NameOf(std::uint32_t twin, std::string const& network) {
    return fmt::format("n-{}-{}", twin, network);
  }
  void AddNetwork(std::uint32_t twin, std::string const& network) {
    auto const name = NameOf(twin, network);
    ASSERT_TRUE(namespaces_->Ensure(name));
    for (auto const& argv : std::vector<std::vector<std::string>>{
             {"ip", "link", "set", "lo", "up"},
             {"ip", "address", "add", std::string(kMachine) + "/32", "dev", "lo"}}) {
      ASSERT_TRUE(namespaces_->RunIn(name, [&]() -> Result<void> {
        TRELLIS_CHECK(RunTool(argv, std::chrono::seconds(10)));
        return {};
      }));
    }
  }
  /// A backend inside the network.
  std::string ServeIn(std::uint32_t twin, std::string const& network, std::string const& text) {
    std::string url;
    auto const done = namespaces_->RunIn(NameOf(twin, network), [&]() -> Result<void> {
      servers_.push_back(std::make_unique<trellis::testing::HttpServer>(
          [text](std::string const&) { return trellis::testing::HttpResponse("200 OK", text); },
          kMachine));
      url = servers_.back()->url();
      return {};
    });
    EXPECT_TRUE(done) << done.error().message;
    return url;
  }
  [[nodiscard]] static std::string InNetwork(std::string const& fqdn,
                                             std::vector<std::string> const& backends) {
    return fmt::format(R"({{"fqdn":"{}","backends":{},"network":"net"}})", fqdn,
                       json::Dump(backends));
  }
  trellis::testing::Answer Provision(std::uint32_t twin, std::string const& fqdn,
                                     std::vector<std::string> const& backends) {
    auto options = Options();
    options.twin_id = twin;
    return host_->Provision(kFqdnType, fmt::format("{}-100-gw", twin), InNetwork(fqdn, backends),
                            options);
  }
  /// False when it is not answered within ten seconds: nothing tells when the forwarder has seen
  /// a network come or go.
  [[nodiscard]] bool Answers(std::string const& url, std::string const& expected) const {
    return Eventually([&] { return Get(url) == expected; });
  }
  [[nodiscard]] std::string ForwarderSocket() const {
    return host_->dir() + "/run/gateway/nnc.sock";
  }
  [[nodiscard]] ForwardReply AskForwarder(ForwardRequest const& request) const {
    auto const text = AskUnix(ForwarderSocket(), json::Dump(request) + "\n", "\n");
    return text ? json::Parse<ForwardReply>(*text).value_or(ForwardReply{"unreadable", {}})
                : ForwardReply{text.error().message, {}};
  }
  /// What the proxy would do for the only route that there is.
  [[nodiscard]] UniqueFd ConnectToForwarder() const {
    ForwardRequest list;
    list.list = ForwardList{};
    auto const listen = AskForwarder(list).forwards.at(0).listen;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::inet_addr(kForwardIp);
    address.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(listen.substr(listen.find('|') + 1))));
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address), 0);
    return fd;
  }
  [[nodiscard]] std::size_t DescriptorsOfForwarder() {
    return ListDir(fmt::format("/proc/{}/fd", PidOf("gateway/nnc")))
        .value_or(std::vector<std::string>{})
        .size();
  }
  std::optional<network::Namespaces> namespaces_;
};

TEST_F(Networks, KeepEqualAddressesOfTwoTwinsApart) {
  AddNetwork(7, "net");
  AddNetwork(8, "net");
  auto const seven = ServeIn(7, "net", "seven");
  auto const eight = ServeIn(8, "net", "eight");

  auto const made = Provision(7, "seven.example.org", {seven});
  ASSERT_EQ(made.status, TRL_OK) << made.error;
  ASSERT_TRUE(Provision(8, "eight.example.org", {eight}).ok());

  EXPECT_EQ(Get("https://seven.example.org/"), "seven|200");
  EXPECT_EQ(Get("https://eight.example.org/"), "eight|200");
}

TEST_F(Networks, AreNotReachedOverTheForwarderOfAnotherTwin) {
  AddNetwork(7, "net");
  ASSERT_TRUE(Provision(7, "seven.example.org", {ServeIn(7, "net", "secret")}).ok());
  ForwardRequest list;
  list.list = ForwardList{};
  auto const listen = AskForwarder(list).forwards.at(0).listen;
  auto const port = listen.substr(listen.find('|') + 1);
  auto options = Options();
  options.twin_id = 8;

  for (bool const passthrough : {false, true}) {
    for (auto const* const ip : {"127.64.0.2", "0.0.0.0", "10.60.0.1", "[::ffff:127.64.0.2]"}) {
      auto const backend = fmt::format("{}{}:{}", passthrough ? "" : "http://", ip, port);
      auto const data = FqdnData("eight.example.org", {backend}, passthrough);
      EXPECT_FALSE(host_->Provision(kFqdnType, "8-100-gw", data, options).ok()) << backend;
    }
  }

  EXPECT_EQ(Get("https://eight.example.org/"), "404 page not found|404");
  EXPECT_EQ(Get("https://seven.example.org/"), "secret|200");
}

TEST_F(Networks, ReachEachBackendOfARoute) {
  AddNetwork(7, "net");
  ASSERT_TRUE(
      Provision(7, "two.example.org", {ServeIn(7, "net", "one"), ServeIn(7, "net", "two")}).ok());

  std::set<std::string> seen;
  EXPECT_TRUE(Eventually([&] {
    seen.insert(Get("https://two.example.org/"));
    return seen.size() == 2;
  }));
  EXPECT_THAT(seen, ::testing::ElementsAre("one|200", "two|200"));
}

TEST_F(Networks, CarryMuchWithoutLoss) {
  AddNetwork(7, "net");
  std::string const much(std::size_t{5} << 20, 'x');
  ASSERT_TRUE(Provision(7, "much.example.org", {ServeIn(7, "net", much)}).ok());

  EXPECT_EQ(Get("https://much.example.org/",
                {"--output", "/dev/null", "--write-out", "%{size_download}"}),
            std::to_string(much.size()));
}

TEST_F(Networks, AnswerForANetworkThatIsGoneAtOnce) {
  AddNetwork(7, "net");
  auto const backend = ServeIn(7, "net", "here");
  ASSERT_TRUE(Provision(7, "gone.example.org", {backend}).ok());
  servers_.clear();

  ASSERT_TRUE(namespaces_->Remove(NameOf(7, "net")));

  EXPECT_TRUE(Answers("https://gone.example.org/", "Bad Gateway|502"));
  auto const seen =
      host_->Inspect(kFqdnType, "7-100-gw", InNetwork("gone.example.org", {backend}), Options());
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->state, Observed::State::kDrifted);
  EXPECT_EQ(seen->detail, "network 'net' is gone");
}

TEST_F(Networks, AreReachedAgainWhenTheyAreBack) {
  AddNetwork(7, "net");
  ASSERT_TRUE(Provision(7, "again.example.org", {ServeIn(7, "net", "again")}).ok());
  auto const kept = namespaces_->Open(NameOf(7, "net"));
  ASSERT_TRUE(kept);
  ASSERT_TRUE(namespaces_->Remove(NameOf(7, "net")));
  ASSERT_TRUE(Answers("https://again.example.org/", "Bad Gateway|502"));

  auto const path = namespaces_->Path(NameOf(7, "net"));
  ASSERT_TRUE(OpenFile(path, O_CREAT | O_RDONLY, 0600));
  ASSERT_EQ(::mount(fmt::format("/proc/self/fd/{}", kept->get()).c_str(), path.c_str(), nullptr,
                    MS_BIND, nullptr),
            0);

  EXPECT_TRUE(Answers("https://again.example.org/", "again|200"));
}

TEST_F(Networks, AreNotKeptAliveByOpenConnections) {
  AddNetwork(7, "net");
  ASSERT_TRUE(Provision(7, "open.example.org", {ServeIn(7, "net", "open")}).ok());
  auto const before = DescriptorsOfForwarder();
  auto const client = ConnectToForwarder();
  ASSERT_TRUE(Eventually([&] { return DescriptorsOfForwarder() > before; }));

  ASSERT_TRUE(namespaces_->Remove(NameOf(7, "net")));

  // Neither a connection nor the listener is left.
  EXPECT_TRUE(Eventually([&] { return DescriptorsOfForwarder() < before; }));
}

TEST_F(Networks, AreReachedAgainAfterTheForwarderWasKilled) {
  AddNetwork(7, "net");
  ASSERT_TRUE(Provision(7, "back.example.org", {ServeIn(7, "net", "back")}).ok());
  auto const pid = PidOf("gateway/nnc");
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_TRUE(Eventually([&] { return PidOf("gateway/nnc") != pid && PidOf("gateway/nnc") != 0; }));

  host_->RunTasks();

  EXPECT_EQ(Get("https://back.example.org/"), "back|200");
}

TEST_F(Networks, GetNothingForOthersAfterTheForwarderWasKilled) {
  AddNetwork(7, "net");
  AddNetwork(8, "net");
  ASSERT_TRUE(Provision(7, "seven.example.org", {ServeIn(7, "net", "seven")}).ok());
  auto const pid = PidOf("gateway/nnc");
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_TRUE(Eventually([&] { return PidOf("gateway/nnc") != pid && PidOf("gateway/nnc") != 0; }));

  ASSERT_TRUE(Provision(8, "eight.example.org", {ServeIn(8, "net", "eight")}).ok());

  EXPECT_EQ(Get("https://seven.example.org/"), "Bad Gateway|502");
  EXPECT_EQ(Get("https://eight.example.org/"), "eight|200");
  host_->RunTasks();
  EXPECT_EQ(Get("https://seven.example.org/"), "seven|200");
}

TEST_F(Networks, StayReachableOverARestartOfThePlugin) {
  AddNetwork(7, "net");
  ASSERT_TRUE(Provision(7, "stay.example.org", {ServeIn(7, "net", "stay")}).ok());
  auto const pid = PidOf("gateway/nnc");

  ASSERT_TRUE(host_->Unload("gateway"));
  EXPECT_EQ(Get("https://stay.example.org/"), "stay|200");
  Load();

  EXPECT_EQ(Get("https://stay.example.org/"), "stay|200");
  EXPECT_EQ(PidOf("gateway/nnc"), pid);
}

TEST_F(Networks, AreNotForwardedIntoForNobody) {
  AddNetwork(7, "net");
  ASSERT_TRUE(Provision(7, "mine.example.org", {ServeIn(7, "net", "mine")}).ok());
  ForwardRequest foreign;
  foreign.set = ForwardSet{"9-9-old", 0, namespaces_->Path(NameOf(7, "net")), "10.1.2.5|80",
                           std::string(kForwardIp) + "|60000"};
  ASSERT_EQ(AskForwarder(foreign).error, "");

  host_->RunTasks();

  ForwardRequest list;
  list.list = ForwardList{};
  auto const left = AskForwarder(list).forwards;
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].id, "7-100-gw");
}

TEST_F(Networks, AreLeftWithTheRoute) {
  AddNetwork(7, "net");
  ASSERT_TRUE(Provision(7, "left.example.org", {ServeIn(7, "net", "left")}).ok());
  ASSERT_NE(PidOf("gateway/nnc"), 0);
  auto options = Options();
  options.twin_id = 7;

  ASSERT_TRUE(ProvisionName("7-100-other", "other", Serve("other")).ok());

  EXPECT_TRUE(host_->Deprovision(kFqdnType, "7-100-gw", "{}", options).ok());

  EXPECT_EQ(PidOf("gateway/nnc"), 0);
  EXPECT_EQ(Get("https://other.gw.example.com/"), "other|200");
}

}  // namespace
}  // namespace trellis::plugins::gateway
