// The plugin's process is killed before every call that changes something; the next one gets the
// same question again and comes to the same end, with nothing left over.
#include "plugins/network/links.hpp"
#include "plugins/network/namespaces.hpp"
#include "tests/integration/network/mortal.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/own_namespaces.hpp"
#include "tests/support/real_processes.hpp"

#include <gmock/gmock.h>

#include <optional>

namespace trellis::plugins::network {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using trellis::testing::Death;
using trellis::testing::FakeHost;
using trellis::testing::RealProcesses;

constexpr char const* kId = "7-100-net1";
constexpr int kMost = 300;  // calls of one operation

/// What a node's process has; made anew in each.
struct Node {
  explicit Node(std::string const& dir)
      : host(dir + "/host"), processes(host, dir + "/processes") {}
  FakeHost host;
  RealProcesses processes;
};

std::string Data(unsigned port) {
  return fmt::format(
      R"({{"ip_range":"10.1.0.0/16","subnet":"10.1.2.0/24","wireguard_private_key":)"
      R"("dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=","wireguard_listen_port":{},"peers":[]}})",
      port);
}

class CrashLab : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(trellis::testing::EnterOwnNamespaces());
    std::string path = "/tmp/trellis-crash-XXXXXX";
    ASSERT_NE(::mkdtemp(path.data()), nullptr);
    dir_ = path;
    namespaces_.emplace(dir_ + "/netns");
  }
  void TearDown() override {
    if (!namespaces_) return;
    { Node const last(dir_); }  // ends all processes
    auto const names = namespaces_->List();
    ASSERT_TRUE(names) << names.error().message;
    for (auto const& name : *names)
      EXPECT_TRUE(namespaces_->Remove(name));
    EXPECT_TRUE(RemoveTree(dir_));
  }

  /// A node that does `operation`, from its start on, and dies before its `at`-th call. 0 = never.
  Death Run(int at, std::function<bool(Node&)> const& operation) {
    Node* node = nullptr;
    auto const prepare = [&] {
      node = new Node(dir_);  // NOLINT(cppcoreguidelines-owning-memory): it dies with its process
      ProcessSpec idle;
      idle.argv = {"/usr/bin/sleep", "infinity"};
      // The keeper is there before anybody is watched, so it is not.
      if (!node->processes.Run("test/idle", idle)) ::_exit(2);
    };
    auto const act = [&] {
      auto const loaded = node->host.Load(FakeHost::BuiltPlugin("network"),
                                          R"({"netns_dir":")" + dir_ + R"(/netns"})");
      if (loaded) return operation(*node) ? 0 : 1;
      fmt::print(stderr, "not loaded: {}\n", loaded.error().message);
      return 3;
    };
    return trellis::testing::RunMortal(at, prepare, act);
  }
  /// One that lives.
  void Must(char const* what, std::function<bool(Node&)> const& operation) {
    auto const life = Run(0, operation);
    ASSERT_FALSE(life.killed);
    ASSERT_EQ(life.status, 0) << what;
  }

  static bool Good(trellis::testing::Answer const& answer) {
    if (!answer.ok()) fmt::print(stderr, "{}\n", answer.error);
    return answer.ok();
  }
  static bool IsRunning(Node& node, unsigned port) {
    auto const seen = node.host.Inspect("network", kId, Data(port));
    bool const right = seen && seen->state == Observed::State::kRunning;
    if (!right) fmt::print(stderr, "inspect: {}\n", seen ? seen->detail : seen.error().message);
    auto const ports = node.host.Command("zos.network.list_wg_ports", "null");
    auto const wanted = fmt::format("[80,300,443,{},8082,9651,9943,9944,9945]", port);
    if (!ports || *ports != wanted) fmt::print(stderr, "ports: {}\n", ports.value_or("none"));
    return right && ports && *ports == wanted && node.processes.PidOf(kProcess) != 0;
  }
  static bool IsAbsent(Node& node) {
    auto const seen = node.host.Inspect("network", kId, Data(2001));
    return seen && seen->state == Observed::State::kAbsent &&
           node.host.ListOwned("network")->empty() && node.host.Store("network").empty() &&
           node.processes.PidOf(kProcess) == 0;
  }
  void ExpectNothingLeft(int at) {
    auto links = Links::Open();
    ASSERT_TRUE(links);
    EXPECT_THAT(links->Names().value(), UnorderedElementsAre("lo", "br-ndmz", "ndmz-up")) << at;
    EXPECT_THAT(namespaces_->List().value(), ElementsAre("ndmz")) << at;
    EXPECT_THAT(ListDir(dir_ + "/host/state/network/wg").value(), IsEmpty()) << at;
  }

  static bool Provision(Node& node) {
    return Good(node.host.Provision("network", kId, Data(2001)));
  }
  static bool Deprovision(Node& node) {
    return Good(node.host.Deprovision("network", kId, Data(2001)));
  }
  static bool Teardown(Node& node) {
    return node.host.Command("zos.network.teardown", "null").has_value();
  }

  static inline std::string const kProcess = "network/wg-" + NetId(7, "net1");
  std::string dir_;
  std::optional<Namespaces> namespaces_;
};

TEST_F(CrashLab, ProvisionConvergesFromEveryCall) {
  int at = 1;
  for (bool killed = true; killed; ++at) {
    ASSERT_LT(at, kMost);
    killed = Run(at, &Provision).killed;
    // The engine does it again, or the client has cancelled meanwhile.
    if (at % 2 == 0) {
      ASSERT_NO_FATAL_FAILURE(Must("provision again", [](Node& node) {
        return Provision(node) && IsRunning(node, 2001);
      })) << at;
    }
    ASSERT_NO_FATAL_FAILURE(Must("deprovision", [](Node& node) {
      return Deprovision(node) && IsAbsent(node);
    })) << at;
    ASSERT_NO_FATAL_FAILURE(ExpectNothingLeft(at));
    ASSERT_NO_FATAL_FAILURE(Must("teardown", &Teardown)) << at;
  }
  EXPECT_GT(at, 40) << "a start and a provision change many things";
}

TEST_F(CrashLab, UpdateConvergesFromEveryCall) {
  ASSERT_NO_FATAL_FAILURE(Must("provision", &Provision));
  int at = 1;
  for (bool killed = true; killed; ++at) {
    ASSERT_LT(at, kMost);
    auto const port = static_cast<unsigned>(2001 + at);
    auto const update = [port](Node& node) {
      return Good(node.host.Update("network", kId, Data(port)));
    };
    killed = Run(at, update).killed;
    ASSERT_NO_FATAL_FAILURE(Must("update again", [&](Node& node) {
      return update(node) && IsRunning(node, port);
    })) << at;
  }
  EXPECT_GT(at, 3);
  ASSERT_NO_FATAL_FAILURE(Must("deprovision", &Deprovision));
  ExpectNothingLeft(at);
}

TEST_F(CrashLab, DeprovisionConvergesFromEveryCall) {
  int at = 1;
  for (bool killed = true; killed; ++at) {
    ASSERT_LT(at, kMost);
    ASSERT_NO_FATAL_FAILURE(Must("provision", &Provision)) << at;
    killed = Run(at, &Deprovision).killed;
    ASSERT_NO_FATAL_FAILURE(Must("deprovision again", [](Node& node) {
      return Deprovision(node) && IsAbsent(node);
    })) << at;
    ASSERT_NO_FATAL_FAILURE(ExpectNothingLeft(at));
  }
  EXPECT_GT(at, 5);
}

}  // namespace
}  // namespace trellis::plugins::network
