// From a workload's type to its plugin and back, through a real shared library: look-up, context,
// call, result. Compare with BM_virtual_call.
#include "tests/bench/micro/plugins.hpp"
#include "tests/bench/micro/quantiles.hpp"

#include <benchmark/benchmark.h>

namespace {

using namespace trellis;  // NOLINT(google-build-using-namespace): a program of its own

plugin::OpRequest RequestFor(std::string type) {
  plugin::OpRequest request;
  request.twin = 7;
  request.contract = 9;
  request.id = "7-9-work";
  request.name = "work";
  request.type = std::move(type);
  request.data = R"({"payload":"p"})";
  return request;
}

std::string ConfigWith(std::int64_t types) {
  return fmt::format(R"({{"result_bytes":16,"more_types":{}}})", types - 1);
}

/// An effect: with a slot, a deadline and a cancel token, on a thread of its own.
void BM_provision(benchmark::State& state) {
  bench::Plugins plugins("noop-plugins", /*start=*/true, ConfigWith(state.range(0)));
  auto const request = RequestFor("noop");
  for (auto _ : state)
    benchmark::DoNotOptimize(plugins.manager().Run(plugin::Op::kProvision, request, nullptr));
}
BENCHMARK(BM_provision)->ArgName("types")->Arg(1)->Arg(10)->Arg(100)->UseRealTime();

/// A pure question: valid, challenge, capacity, weight, dependencies on the caller's thread.
void BM_examine(benchmark::State& state) {
  bench::Plugins plugins("noop-plugins", /*start=*/true, ConfigWith(state.range(0)));
  grid::Deployment const deployment;
  grid::Workload workload;
  workload.name = "work";
  workload.type = "noop";
  workload.data.text = R"({"payload":"p"})";
  for (auto _ : state)
    benchmark::DoNotOptimize(plugins.manager().Examine(deployment, workload, true));
}
BENCHMARK(BM_examine)->ArgName("types")->Arg(1)->Arg(10)->Arg(100);

void BM_find_type(benchmark::State& state) {
  bench::Plugins plugins("noop-plugins", /*start=*/true, ConfigWith(state.range(0)));
  for (auto _ : state)
    benchmark::DoNotOptimize(plugins.manager().Type("noop"));
}
BENCHMARK(BM_find_type)->ArgName("types")->Arg(1)->Arg(10)->Arg(100);

/// The same effect in a process of its own: four threads and two sockets on the way.
void BM_isolated_provision(benchmark::State& state) {
  bench::Plugins plugins("noop-plugins", /*start=*/true, ConfigWith(1), plugin::Hosting::kProcess);
  auto const request = RequestFor("noop");
  bench::Quantiles took;
  for (auto _ : state) {
    took.Start();
    benchmark::DoNotOptimize(plugins.manager().Run(plugin::Op::kProvision, request, nullptr));
    took.Stop();
  }
  took.Report(state);
}
BENCHMARK(BM_isolated_provision)->UseRealTime();

void BM_isolated_examine(benchmark::State& state) {
  bench::Plugins plugins("noop-plugins", /*start=*/true, ConfigWith(1), plugin::Hosting::kProcess);
  grid::Deployment const deployment;
  grid::Workload workload;
  workload.name = "work";
  workload.type = "noop";
  workload.data.text = R"({"payload":"p"})";
  bench::Quantiles took;
  for (auto _ : state) {
    took.Start();
    benchmark::DoNotOptimize(plugins.manager().Examine(deployment, workload, true));
    took.Stop();
  }
  took.Report(state);
}
BENCHMARK(BM_isolated_examine)->UseRealTime();

/// What the operator's `trellis plugin restart` costs: an orderly stop and the next process.
void BM_restart_helper(benchmark::State& state) {
  bench::Plugins plugins("noop-plugins", /*start=*/true, ConfigWith(1), plugin::Hosting::kProcess);
  bench::Quantiles took;
  for (auto _ : state) {
    took.Start();
    if (!plugins.manager().Restart("noop")) state.SkipWithError("the helper does not start");
    took.Stop();
  }
  took.Report(state);
}
BENCHMARK(BM_restart_helper)->UseRealTime()->Unit(benchmark::kMillisecond);

class Base {
 public:
  virtual ~Base() = default;
  virtual int Answer(int question) = 0;
};
class Derived final : public Base {
 public:
  int Answer(int question) override { return question + 1; }
};
void BM_virtual_call(benchmark::State& state) {
  std::unique_ptr<Base> const object = std::make_unique<Derived>();
  auto* raw = object.get();
  for (auto _ : state) {
    benchmark::DoNotOptimize(raw);
    benchmark::DoNotOptimize(raw->Answer(1));
  }
}
BENCHMARK(BM_virtual_call);

}  // namespace
