// Removing a user network with its tunnel through the plugin, and how long others wait for the
// plugin meanwhile. As root; in network and mount namespaces of its own.
#include "tests/bench/micro/must.hpp"
#include "tests/bench/micro/quantiles.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/real_processes.hpp"
#include "tests/support/temp_dir.hpp"

#include <benchmark/benchmark.h>
#include <sched.h>
#include <sys/mount.h>

#include <atomic>
#include <thread>

namespace {

using namespace trellis;  // NOLINT(google-build-using-namespace): a program of its own
using bench::Must;
using trellis::testing::FakeHost;

constexpr int kRounds = 40;
constexpr char const* kId = "7-100-net";
constexpr char const* kData =
    R"({"ip_range":"10.1.0.0/16","subnet":"10.1.2.0/24","wireguard_listen_port":2001,"peers":[],)"
    R"("wireguard_private_key":"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="})";

void Succeed(testing::Answer const& answer) {
  if (!answer.ok()) Must<void>(Fail(Code::kInternal, "{}", answer.error));
}

/// The longest that somebody who asks again and again waits for an answer.
class Caller {
 public:
  explicit Caller(FakeHost& host)
      : thread_([this, &host](std::stop_token const& stop) {
          while (!stop.stop_requested()) {
            auto const start = std::chrono::steady_clock::now();
            (void)Must(host.Command("zos.network.list_wg_ports", "null"));
            longest_ = std::max(longest_, std::chrono::steady_clock::now() - start);
            asked_ = true;
            asked_.notify_one();
          }
        }) {
    asked_.wait(false);
  }
  double LongestMs() {
    thread_.request_stop();
    thread_.join();
    return std::chrono::duration<double, std::milli>(longest_).count();
  }

 private:
  std::chrono::steady_clock::duration longest_{};
  std::atomic<bool> asked_ = false;
  std::jthread thread_;
};

void BM_removal(benchmark::State& state) {
  bool const apart = ::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
                     ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  if (!apart) Must<void>(Fail(Code::kDenied, "cannot make namespaces: run it as root"));
  testing::TempDir const dir;
  FakeHost host;
  trellis::testing::RealProcesses const processes(host, dir / "processes");
  Must(host.Load(FakeHost::BuiltPlugin("network"),
                 R"({"netns_dir":")" + (dir / "netns").string() + R"("})"));
  bench::Quantiles took;
  double longest = 0;
  for (auto _ : state) {
    Succeed(host.Provision("network", kId, kData));
    Caller caller(host);
    took.Start();
    Succeed(host.Deprovision("network", kId, kData));
    took.Stop();
    longest = std::max(longest, caller.LongestMs());
  }
  (void)Must(host.Command("zos.network.teardown", "null"));
  Must(host.Unload("network"));
  took.Report(state);
  state.counters["blocked_ms"] = longest;
}
BENCHMARK(BM_removal)->Iterations(kRounds)->UseRealTime();

}  // namespace
