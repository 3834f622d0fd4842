// What is signed: the challenge text of a document and its MD5. Compare with BM_md5_document of
// limit_cpu, which is the MD5 alone.
#include "kernel/grid/validate.hpp"
#include "tests/bench/micro/must.hpp"
#include "tools/load/document.hpp"

#include <benchmark/benchmark.h>

namespace {

using namespace trellis;  // NOLINT(google-build-using-namespace): a program of its own

void BM_challenge_and_md5(benchmark::State& state) {
  load::Shape const shape{static_cast<std::size_t>(state.range(0)), 3700};
  auto const document = load::Document::Make(7, "bench", shape);
  for (auto _ : state)
    benchmark::DoNotOptimize(document.hash());
}
BENCHMARK(BM_challenge_and_md5)->ArgName("workloads")->Arg(1)->Arg(10);

void BM_md5(benchmark::State& state) {
  auto const document = load::Document::Make(7, "bench", {});
  auto const text =
      grid::Challenge(document.deployment, std::span<grid::Examined const>(document.examined));
  for (auto _ : state)
    benchmark::DoNotOptimize(crypto::Md5(crypto::AsBytes(text)));
}
BENCHMARK(BM_md5);

}  // namespace
