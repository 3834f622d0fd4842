// Medians of single rounds, for what a mean would hide.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace trellis::bench {

class Quantiles {
 public:
  void Start() { start_ = std::chrono::steady_clock::now(); }
  void Stop() {
    std::chrono::duration<double, std::micro> const took =
        std::chrono::steady_clock::now() - start_;
    rounds_.push_back(took.count());
  }
  /// As counters p50_us and p99_us.
  void Report(benchmark::State& state) {
    if (rounds_.empty()) return;
    std::ranges::sort(rounds_);
    state.counters["p50_us"] = rounds_[rounds_.size() / 2];
    state.counters["p99_us"] = rounds_[rounds_.size() * 99 / 100];
  }

 private:
  std::chrono::steady_clock::time_point start_;
  std::vector<double> rounds_;
};

}  // namespace trellis::bench
