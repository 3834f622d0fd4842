#include "plugins/zmachine/data.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trellis::plugins::zmachine {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

class Deployment final : public WorkloadGetter {
 public:
  Result<WorkloadView> Get(std::string_view name) const override {
    for (auto const& workload : workloads) {
      if (workload.name == name) return workload;
    }
    return Fail(Code::kNotFound, "no workload '{}'", name);
  }
  Result<std::vector<WorkloadView>> ByType(std::span<std::string_view const> types) const override {
    std::vector<WorkloadView> found;
    for (auto const& workload : workloads) {
      if (workload.type == types.front()) found.push_back(workload);
    }
    return found;
  }
  void Add(std::string name, std::string type, std::string_view data) {
    WorkloadView view;
    view.name = std::move(name);
    view.type = std::move(type);
    view.data.text = data;
    workloads.push_back(std::move(view));
  }
  std::vector<WorkloadView> workloads;
};

Machine Small() {
  Machine machine;
  machine.network.interfaces = {{"net1", *IpAddress::Parse("10.20.2.5")}};
  machine.compute_capacity = {1, kGiB};
  return machine;
}

std::string Refusal(Machine const& machine, Deployment const& deployment = {}) {
  auto const done = machine.Valid(deployment);
  return done ? "" : done.error().message;
}

std::uint64_t RootOf(std::uint8_t cpu, std::uint64_t memory) {
  Machine machine = Small();
  machine.compute_capacity = {cpu, memory};
  return machine.RootSize();
}

TEST(MachineData, RootGrowsWithTheMachine) {
  EXPECT_EQ(RootOf(1, 8 * kGiB), 2 * kGiB);
  EXPECT_EQ(RootOf(1, 4 * kGiB), 500 * kMiB);
  EXPECT_EQ(RootOf(2, 4 * kGiB), 2 * kGiB);
  EXPECT_EQ(RootOf(3, 4 * kGiB), 2 * kGiB);
  EXPECT_EQ(RootOf(4, 5 * kGiB), 2 * kGiB);
  EXPECT_EQ(RootOf(1, 1 * kGiB), 500 * kMiB);
  EXPECT_EQ(RootOf(1, 250 * kMiB), 500 * kMiB);
  EXPECT_EQ(RootOf(255, UINT64_MAX), 2 * kGiB);
  EXPECT_EQ(RootOf(3, 8 * kGiB / 3), 500 * kMiB);
  EXPECT_EQ(RootOf(3, 8 * kGiB / 3 + 1), 2 * kGiB);
}

TEST(MachineData, TakesNoSmallerRootThanItsLeast) {
  for (auto const least : {500 * kMiB, 2 * kGiB}) {
    Machine machine = Small();
    machine.compute_capacity.memory = least == 2 * kGiB ? 8 * kGiB : kGiB;
    machine.size = least - 1;
    EXPECT_THAT(Refusal(machine), StartsWith("[vm_disk]"));
    machine.size = least;
    EXPECT_EQ(Refusal(machine), "");
    machine.size = 0;
    EXPECT_EQ(Refusal(machine), "");
  }
}

TEST(MachineData, CountsTheRootAsSsd) {
  Machine machine = Small();
  machine.size = 4 * kGiB;

  auto const capacity = machine.Capacity();

  EXPECT_EQ(capacity.cru, 1U);
  EXPECT_EQ(capacity.mru, kGiB);
  EXPECT_EQ(capacity.sru, 4 * kGiB);
}

TEST(MachineData, ChallengeIsWhatClientsSign) {
  auto const machine = json::Parse<Machine>(R"({"__type":"zmachine",
    "flist":"https://hub.example.org/grid3/ubuntu-22.04.flist",
    "network":{"public_ip":"vm1ip","interfaces":[{"network":"net1","ip":"10.20.2.5"}],
      "planetary":true,"mycelium":{"network":"net1","hex_seed":"0a0b0c0d0e0f"}},
    "size":4294967296,"compute_capacity":{"cpu":2,"memory":2147483648},
    "mounts":[{"name":"data","mountpoint":"/mnt/data"}],"entrypoint":"/sbin/zinit init",
    "env":{"SSH_KEY":"ssh-ed25519 AAAAC3Nz user@host","B":"2","A":"1","a_b":"x=y","Z":""},
    "corex":true,"gpu":[]})");
  ASSERT_TRUE(machine) << machine.error().message;
  std::string text;
  ChallengeWriter writer(text);

  machine->Challenge(writer);

  EXPECT_EQ(text,
            "https://hub.example.org/grid3/ubuntu-22.04.flistvm1iptruenet110.20.2.5"
            "net10a0b0c0d0e0f429496729622147483648data/mnt/data/sbin/zinit init"
            "A=1B=2SSH_KEY=ssh-ed25519 AAAAC3Nz user@hostZ=a_b=x=y");
}

TEST(MachineData, OrdersEnvByUnsignedBytes) {
  Machine machine = Small();
  machine.env = {{"\xef\xbf\xbf", "3"}, {"\xf0\x90\x80\x80", "4"}, {"a", "2"}, {"Z", "1"}};
  std::string text;
  ChallengeWriter writer(text);

  machine.Challenge(writer);

  EXPECT_TRUE(text.ends_with("Z=1a=2\xef\xbf\xbf=3\xf0\x90\x80\x80=4")) << text;
}

TEST(MachineData, EnvIsHashedInOneOrderWhateverTheMessage) {
  for (auto const* text : {R"({"env":{"b":"2","B":"1"}})", R"({"env":{"B":"1","b":"2"}})"}) {
    std::string challenge;
    ChallengeWriter writer(challenge);

    json::Parse<Machine>(text)->Challenge(writer);

    EXPECT_TRUE(challenge.ends_with("B=1b=2")) << challenge;
  }
}

TEST(MachineData, RefusesTheFirstBrokenRule) {
  EXPECT_EQ(Refusal(Small()), "");
  Machine machine;
  EXPECT_THAT(Refusal(machine), StartsWith("[vm_interfaces]"));
  machine.network.interfaces.resize(1);
  EXPECT_THAT(Refusal(machine), StartsWith("[vm_ip]"));
  machine.network.interfaces = {{"ygg", *IpAddress::Parse("fd00::1")}};
  EXPECT_THAT(Refusal(machine), StartsWith("[vm_cpu]"));
  machine.compute_capacity = {1, 262143999};
  EXPECT_THAT(Refusal(machine), StartsWith("[vm_memory]"));
  machine.compute_capacity = {1, 262144000};
  machine.size = 524287999;
  EXPECT_THAT(Refusal(machine), StartsWith("[vm_disk]"));
  machine.size = 524288000;
  EXPECT_THAT(Refusal(machine), StartsWith("[vm_reserved_network]"));
  machine.network.interfaces.front().network = "Ygg";
  machine.network.mycelium = MachineMycelium{};
  EXPECT_THAT(Refusal(machine), StartsWith("[vm_mycelium_seed]"));
}

TEST(MachineData, WantsAPublicIpOfItsOwn) {
  Machine machine = Small();
  machine.network.public_ip = "ip1";
  Deployment deployment;

  EXPECT_THAT(Refusal(machine, deployment), StartsWith("[vm_public_ip_missing]"));
  deployment.Add("ip1", "zmount", "{}");
  EXPECT_THAT(Refusal(machine, deployment), StartsWith("[vm_public_ip_type]"));
  deployment.workloads.front().type = "ipv4";
  EXPECT_EQ(Refusal(machine, deployment), "");
  deployment.workloads.front().type = "ip";
  deployment.Add("vm1", "zmachine", R"({"network":{"public_ip":"ip1"}})");
  EXPECT_EQ(Refusal(machine, deployment), "");
  deployment.Add("vm2", "zmachine", R"({"network":{"public_ip":"ip1"}})");
  EXPECT_THAT(Refusal(machine, deployment), StartsWith("[vm_public_ip_shared]"));
}

TEST(MachineData, DependsOnMountsIpAndNetworks) {
  Machine machine = Small();
  machine.mounts = {{"data", "/data"}, {"fs", "/fs"}};
  machine.network.public_ip = "ip1";
  machine.network.mycelium = MachineMycelium{"net1", {}};

  EXPECT_THAT(machine.Dependencies(), ElementsAre("data", "fs", "ip1", "net1"));
}

TEST(MachineResultText, PrefersTheOldNameOfThePlanetaryAddress) {
  auto const result = ReadResult(R"({"id":"7-100-vm1","planetary_ip":"","ygg_ip":"300::1"})");

  ASSERT_TRUE(result);
  EXPECT_EQ(result->planetary_ip, "300::1");
}

}  // namespace
}  // namespace trellis::plugins::zmachine
