// The kernel's way from a request's bytes to the answer's, in memory: no ledger, no store. Compare
// with BM_ideal_accept of limit_cpu.
#include "kernel/grid/signatures.hpp"
#include "kernel/rmb/inbox.hpp"
#include "tests/bench/micro/plugins.hpp"
#include "tools/load/document.hpp"

#include <benchmark/benchmark.h>

#include <chrono>

namespace {

using namespace trellis;  // NOLINT(google-build-using-namespace): a program of its own
using bench::Must;

constexpr std::uint32_t kNode = 77;
constexpr std::size_t kRequests = 500;

std::uint64_t Now() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

/// Signed requests and what they are received with.
class World {
 public:
  World(std::size_t workloads, crypto::KeyType key)
      : twin_(load::Twin::Make(0, key)),
        sender_(std::make_shared<rmb::TwinInfo const>(
            rmb::TwinInfo{twin_.id, twin_.signer.public_key(), std::nullopt, std::nullopt})),
        plugins_("noop-plugins") {
    for (std::size_t i = 0; i < kRequests; ++i) {
      auto const document =
          load::Document::Make(twin_.id, fmt::format("bench-{}", i), {workloads, 3700});
      documents_.push_back(document.Sign(twin_, 1000 + i));
      requests_.push_back(twin_.Request(kNode, fmt::format("uid-{}", i), "zos.deployment.deploy",
                                        documents_.back()));
    }
    NewInbox();
  }

  /// Nobody sends the same request twice, so each inbox sees each once.
  void NewInbox() {
    std::array<std::uint8_t, 32> const seed{7};
    auto const signer = crypto::Signer::FromSeed(crypto::KeyType::kEd25519, seed);
    inbox_.emplace(rmb::Identity{kNode, std::nullopt, signer, std::nullopt, {}});
  }
  /// What a request's bytes come to.
  rmb::Received Receive(std::size_t index, std::uint64_t now) {
    return inbox_->Judge(*inbox_->Open(requests_[index]), sender_, now);
  }
  std::string Respond(rmb::IncomingRequest const& request, std::uint64_t now) {
    return inbox_->MakeResponse(request, "null", /*own_key_is_published=*/false, now);
  }
  grid::Validated Check(std::string_view document) {
    auto const deployment = Must(grid::ParseDeployment(document));
    auto validated = Must(grid::Validate(deployment, plugins_.manager()));
    Verify(deployment, validated);
    return validated;
  }
  void Verify(grid::Deployment const& deployment, grid::Validated const& validated) {
    Must(grid::Verify(
        deployment, validated.hash,
        [this](std::uint32_t) -> Result<crypto::PublicKey> { return twin_.signer.public_key(); }));
  }

  load::Twin twin_;
  rmb::TwinPtr sender_;
  bench::Plugins plugins_;
  std::vector<std::string> documents_;
  std::vector<std::string> requests_;
  std::optional<rmb::Inbox> inbox_;
};

void Whole(benchmark::State& state, std::size_t workloads, crypto::KeyType key) {
  World world(workloads, key);
  auto const now = Now();
  std::size_t next = 0;
  for (auto _ : state) {
    auto const received = world.Receive(next, now);
    auto const& request = std::get<rmb::IncomingRequest>(received);
    world.Check(request.payload);
    benchmark::DoNotOptimize(world.Respond(request, now));
    if (++next == kRequests) {
      next = 0;
      state.PauseTiming();
      world.NewInbox();
      state.ResumeTiming();
    }
  }
}

void BM_accept(benchmark::State& state) {
  Whole(state, static_cast<std::size_t>(state.range(0)), crypto::KeyType::kEd25519);
}
BENCHMARK(BM_accept)->ArgName("workloads")->Arg(1)->Arg(10);

void BM_accept_sr25519(benchmark::State& state) {
  Whole(state, 1, crypto::KeyType::kSr25519);
}
BENCHMARK(BM_accept_sr25519);

void BM_receive(benchmark::State& state) {
  World world(1, crypto::KeyType::kEd25519);
  auto const now = Now();
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(world.Receive(next, now));
    if (++next == kRequests) {
      next = 0;
      state.PauseTiming();
      world.NewInbox();
      state.ResumeTiming();
    }
  }
}
BENCHMARK(BM_receive);

void BM_parse_document(benchmark::State& state) {
  World world(static_cast<std::size_t>(state.range(0)), crypto::KeyType::kEd25519);
  for (auto _ : state)
    benchmark::DoNotOptimize(grid::ParseDeployment(world.documents_.front()));
}
BENCHMARK(BM_parse_document)->ArgName("workloads")->Arg(1)->Arg(10);

void BM_validate(benchmark::State& state) {
  World world(static_cast<std::size_t>(state.range(0)), crypto::KeyType::kEd25519);
  auto const deployment = Must(grid::ParseDeployment(world.documents_.front()));
  for (auto _ : state)
    benchmark::DoNotOptimize(grid::Validate(deployment, world.plugins_.manager()));
}
BENCHMARK(BM_validate)->ArgName("workloads")->Arg(1)->Arg(10);

void BM_verify_document(benchmark::State& state) {
  World world(1, crypto::KeyType::kEd25519);
  auto const deployment = Must(grid::ParseDeployment(world.documents_.front()));
  auto const validated = Must(grid::Validate(deployment, world.plugins_.manager()));
  for (auto _ : state)
    world.Verify(deployment, validated);
}
BENCHMARK(BM_verify_document);

void BM_respond(benchmark::State& state) {
  World world(1, crypto::KeyType::kEd25519);
  auto const now = Now();
  auto const received = world.Receive(0, now);
  auto const& request = std::get<rmb::IncomingRequest>(received);
  for (auto _ : state)
    benchmark::DoNotOptimize(world.Respond(request, now));
}
BENCHMARK(BM_respond);

}  // namespace
