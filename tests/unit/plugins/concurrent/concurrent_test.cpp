// The pure halves of all types are asked by many threads at once, as the daemon does. What threads
// may not do shows in the build of the preset tsan.
#include "plugins/common/data_only/provisioner.hpp"
#include "plugins/gateway/data.hpp"
#include "plugins/ip/data.hpp"
#include "plugins/network/data.hpp"
#include "plugins/qsfs/data.hpp"
#include "plugins/zdb/data.hpp"
#include "plugins/zlogs/data.hpp"
#include "plugins/zmachine/data.hpp"
#include "plugins/zmount/data.hpp"

#include <trellis/testing.hpp>

#include <gtest/gtest.h>

#include <barrier>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

namespace trellis::plugins {
namespace {

constexpr int kThreads = 8;
constexpr int kRounds = 200;

/// Every type, brought up by nobody.
class AllTypes {
 public:
  static constexpr std::uint16_t kThreading = TRL_THREADING_PARALLEL;

  static Result<std::unique_ptr<AllTypes>> Create(Host host, Config const&) {
    auto plugin = std::make_unique<AllTypes>();
    TRELLIS_CHECK(host.RegisterSharableType<network::Network>("network", plugin->network_));
    TRELLIS_CHECK(host.RegisterType<ip::PublicIp>("ip", plugin->ip_));
    TRELLIS_CHECK(host.RegisterType<zmount::ZMount>("zmount", plugin->zmount_));
    TRELLIS_CHECK(host.RegisterType<zmachine::Machine>("zmachine", plugin->zmachine_));
    TRELLIS_CHECK(host.RegisterType<zlogs::ZLogs>("zlogs", plugin->zlogs_));
    TRELLIS_CHECK(host.RegisterType<zdb::Zdb>("zdb", plugin->zdb_));
    TRELLIS_CHECK(host.RegisterType<qsfs::Qsfs>("qsfs", plugin->qsfs_));
    TRELLIS_CHECK(host.RegisterType<gateway::NameProxy>("gateway-name-proxy", plugin->name_proxy_));
    return host.RegisterType<gateway::FqdnProxy>("gateway-fqdn-proxy", plugin->fqdn_proxy_)
        .map([&] { return std::move(plugin); });
  }

 private:
  UpdatableDataOnlyProvisioner<network::Network, NoResult> network_;
  DataOnlyProvisioner<ip::PublicIp, NoResult> ip_;
  UpdatableDataOnlyProvisioner<zmount::ZMount, NoResult> zmount_;
  DataOnlyProvisioner<zmachine::Machine, NoResult> zmachine_;
  DataOnlyProvisioner<zlogs::ZLogs, NoResult> zlogs_;
  UpdatableDataOnlyProvisioner<zdb::Zdb, NoResult> zdb_;
  UpdatableDataOnlyProvisioner<qsfs::Qsfs, NoResult> qsfs_;
  DataOnlyProvisioner<gateway::NameProxy, NoResult> name_proxy_;
  DataOnlyProvisioner<gateway::FqdnProxy, NoResult> fqdn_proxy_;
};

std::map<std::string, std::string> Samples() {
  std::ifstream file(TRELLIS_TEST_DATA "/abi/first_party.json");
  std::stringstream text;
  text << file.rdbuf();
  std::map<std::string, std::string> samples;
  auto const all = json::ParseValue(text.str()).value();
  for (auto const& [type, sample] : all.at("types").as_object())
    samples.emplace(type, boost::json::serialize(sample.at("data")));
  return samples;
}

/// All that a pure half says of `data`.
std::string Said(trellis::testing::FakeHost& host, std::string const& type,
                 std::string const& data) {
  auto const valid = host.Valid(type, data);
  auto const challenge = host.Challenge(type, data);
  auto const capacity = host.CapacityOf(type, data);
  return fmt::format("{} | {} | {}", valid ? "valid" : valid.error().message,
                     challenge ? *challenge : challenge.error().message,
                     capacity ? json::Dump(*capacity) : capacity.error().message);
}

}  // namespace
}  // namespace trellis::plugins

TRELLIS_PLUGIN(trellis::plugins::AllTypes, "all-types", "1.0.0")

namespace trellis::plugins {
namespace {

TEST(PureHalves, SayTheSameToManyThreads) {
  trellis::testing::FakeHost host;
  ASSERT_TRUE(host.Load(*trellis_plugin_v1()));
  auto samples = Samples();
  samples.erase("ipv4");  // of another plugin
  ASSERT_EQ(samples.size(), 9U);
  std::map<std::string, std::string> expected;
  for (auto const& [type, data] : samples)
    expected[type] = Said(host, type, data) + Said(host, type, R"({"size":)");

  std::atomic<int> different = 0;
  std::barrier start(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&] {
      start.arrive_and_wait();
      for (int round = 0; round < kRounds; ++round) {
        for (auto const& [type, data] : samples) {
          if (Said(host, type, data) + Said(host, type, R"({"size":)") != expected.at(type))
            ++different;
        }
      }
    });
  for (auto& thread : threads)
    thread.join();

  EXPECT_EQ(different, 0);
}

}  // namespace
}  // namespace trellis::plugins
