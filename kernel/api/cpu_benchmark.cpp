#include "kernel/api/cpu_benchmark.hpp"

#include "kernel/crypto/hash.hpp"
#include "kernel/sys/sysinfo.hpp"

#include <trellis/json.hpp>

#include <pthread.h>
#include <sys/resource.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>
#include <vector>

namespace trellis::api {
namespace {

constexpr std::chrono::milliseconds kTime(400);
constexpr int kLowest = 19;
constexpr std::size_t kBlock = 1024;

/// Hashes for kTime; how many thousand a second.
double Hash() {
  (void)::pthread_setname_np(::pthread_self(), "perf-cpu");
  (void)::setpriority(PRIO_PROCESS, 0, kLowest);  // of this thread alone
  std::array<std::uint8_t, kBlock> block{};
  std::uint64_t rounds = 0;
  auto const start = std::chrono::steady_clock::now();
  auto now = start;
  while (now - start < kTime) {
    auto const digest = crypto::Blake2b256(block);
    std::copy(digest.begin(), digest.end(), block.begin());  // each depends on the one before
    ++rounds;
    now = std::chrono::steady_clock::now();
  }
  std::chrono::duration<double, std::milli> const took = now - start;
  return static_cast<double>(rounds) / took.count();
}

double HashOn(std::uint64_t threads) {
  std::vector<double> rates(threads);
  std::vector<std::jthread> workers;
  for (auto& rate : rates)
    workers.emplace_back([&rate] { rate = Hash(); });
  workers.clear();
  double sum = 0;
  for (auto const rate : rates)
    sum += rate;
  return std::round(sum * 100) / 100;
}

}  // namespace

CpuScore MeasureCpu() {
  CpuScore score;
  score.threads = sys::CpuCount();
  score.single = HashOn(1);
  score.multi = HashOn(score.threads);
  return score;
}

std::string CpuScoreJson(CpuScore const& score, std::int64_t workloads) {
  return fmt::format(R"({{"single":{},"multi":{},"threads":{},"workloads":{}}})", score.single,
                     score.multi, score.threads, workloads);
}

}  // namespace trellis::api
