// A log statement on the hot path: below the level, and written.
#include "kernel/base/log.hpp"

#include <benchmark/benchmark.h>

#include <string>

namespace {

using namespace trellis;  // NOLINT(google-build-using-namespace): a program of its own

void BM_log_disabled(benchmark::State& state) {
  log::SetLevel(log::Level::kWarn);
  std::string const id = "7-9-work";
  for (auto _ : state)
    log::Info("workload provisioned", {{"id", id}, {"ms", 12}});
}
BENCHMARK(BM_log_disabled);

void BM_log_enabled(benchmark::State& state) {
  auto const configured = log::Configure(log::Format::kText, "/dev/null");
  if (!configured) state.SkipWithError("no log");
  log::SetLevel(log::Level::kInfo);
  std::string const id = "7-9-work";
  for (auto _ : state)
    log::Info("workload provisioned", {{"id", id}, {"ms", 12}});
  log::SetLevel(log::Level::kWarn);
}
BENCHMARK(BM_log_enabled);

}  // namespace
