// Typed data of each workload type, from JSON through its plugin: decoded, validated, its challenge
// and capacity taken. Compare with BM_parse_data, the same text parsed on an arena.
#include "kernel/sys/files.hpp"
#include "tests/bench/micro/plugins.hpp"

#include <trellis/json.hpp>

#include <benchmark/benchmark.h>

#include <map>

namespace {

using namespace trellis;  // NOLINT(google-build-using-namespace): a program of its own
using bench::Must;

/// The longest good sample of each type among the test vectors.
std::map<std::string, std::string> const& Samples() {
  static std::map<std::string, std::string> const samples = [] {
    std::map<std::string, std::string> found;
    auto const text = Must(sys::ReadFile(TRELLIS_TEST_DATA "/golden/vectors/deployments.json"));
    auto const vectors = boost::json::parse(text);
    for (auto const& entry : vectors.as_object().at("workload_cases").as_array()) {
      auto const& item = entry.as_object();
      if (!item.at("valid").is_bool() || !item.at("valid").as_bool()) continue;
      std::string const data(item.at("data").as_string());
      auto& best = found[std::string(item.at("type").as_string())];
      if (data.size() > best.size()) best = data;
    }
    return found;
  }();
  return samples;
}

void Examine(benchmark::State& state, std::string const& type, std::string const& data) {
  static bench::Plugins plugins("plugins");
  grid::Deployment deployment;
  grid::Workload workload;
  workload.name = "w";
  workload.type = type;
  workload.data.text = data;
  deployment.workloads.push_back(workload);
  // Some types look at other workloads of the deployment; those are measured without that check.
  bool const valid = plugins.manager().Examine(deployment, workload, true).has_value();
  for (auto _ : state)
    benchmark::DoNotOptimize(Must(plugins.manager().Examine(deployment, workload, valid)));
  state.SetLabel(fmt::format("{} bytes{}", data.size(), valid ? "" : ", not validated"));
}

void Parse(benchmark::State& state, std::string const& data) {
  std::array<unsigned char, 65536> buffer;
  for (auto _ : state) {
    boost::json::monotonic_resource arena(buffer.data(), buffer.size());
    benchmark::DoNotOptimize(boost::json::parse(data, &arena));
  }
}

int const kRegistered = [] {
  for (auto const& [type, data] : Samples()) {
    benchmark::RegisterBenchmark(
        ("BM_examine/" + type).c_str(),
        [type = type, data = data](benchmark::State& state) { Examine(state, type, data); });
    benchmark::RegisterBenchmark(("BM_parse_data/" + type).c_str(),
                                 [data = data](benchmark::State& state) { Parse(state, data); });
  }
  return 0;
}();

}  // namespace
