// A plugin answers the same wherever it runs.
#include "tests/unit/kernel/plugin/plugin_lab.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace trellis::plugin {
namespace {

constexpr int kWorkloads = 200;
constexpr unsigned kSeed = 5;
constexpr std::array kTypes{"volume", "network-light", "ipv4", "zmachine-light"};
constexpr std::array kDocuments{
    R"({"size":10737418240})", R"({"subnet":"10.1.2.0/24","mycelium":{"hex_key":"00"}})",
    R"({"flist":"https://hub.example.org/a.flist","size":1073741824,"network":{"interfaces":[)"
    R"({"network":"net","ip":"10.1.2.3"}]},"compute_capacity":{"cpu":2,"memory":2147483648},)"
    R"("mounts":[{"name":"data","mountpoint":"/data"}],"entrypoint":"/init","env":{"A":"b"}})",
    R"({"v4":true,"v6":false})"};

/// A document with a few bytes that are not its own.
std::string Mutated(std::mt19937& random) {
  std::string text = kDocuments.at(random() % kDocuments.size());
  constexpr std::string_view kBytes = "0123456789abc{}[],:\"\\ -.";
  for (unsigned count = random() % 4; count > 0; --count)
    text.at(random() % text.size()) = kBytes.at(random() % kBytes.size());
  return text;
}

std::string Told(Manager& manager, std::string const& type, std::string const& data) {
  grid::Workload workload;
  workload.name = "w";
  workload.type = type;
  workload.data.text = data;
  auto const seen = manager.Examine({}, workload, /*check_valid=*/true);
  if (!seen) return fmt::format("{} {}", static_cast<int>(seen.error().code), seen.error().message);
  return fmt::format("{} {} {} {} {} {} {}", seen->challenge, seen->capacity.cru,
                     seen->capacity.mru, seen->capacity.sru, seen->capacity.hru, seen->weight,
                     fmt::join(seen->dependencies, ","));
}

TEST(Hosting, DoesNotChangeWhatAPluginSays) {
  PluginLab here;
  PluginLab there;
  here.hosting = Hosting::kInline;
  there.hosting = Hosting::kProcess;
  for (auto* lab : {&here, &there}) {
    lab->Add("reference-types");
    lab->Open();
  }
  std::mt19937 random(kSeed);

  for (int i = 0; i < kWorkloads; ++i) {
    std::string const type = kTypes.at(random() % kTypes.size());
    auto const data = Mutated(random);
    EXPECT_EQ(Told(here.manager(), type, data), Told(there.manager(), type, data)) << data;
  }
}

}  // namespace
}  // namespace trellis::plugin
