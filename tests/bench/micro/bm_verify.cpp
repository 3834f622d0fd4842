// Signatures as the kernel checks them: of an envelope and of a deployment, both key types. Compare
// with the verify limits of limit_cpu.
#include "kernel/crypto/prepared_key.hpp"
#include "kernel/grid/signatures.hpp"
#include "kernel/rmb/envelope.hpp"
#include "tests/bench/micro/must.hpp"
#include "tools/load/document.hpp"

#include <benchmark/benchmark.h>

namespace {

using namespace trellis;  // NOLINT(google-build-using-namespace): a program of its own
using bench::Must;

crypto::KeyType TypeOf(benchmark::State const& state) {
  return state.range(0) == 0 ? crypto::KeyType::kEd25519 : crypto::KeyType::kSr25519;
}

void BM_verify_message(benchmark::State& state) {
  auto const twin = load::Twin::Make(0, TypeOf(state));
  std::array<std::uint8_t, 16> const message{1};
  auto const signature = twin.signer.Sign(message);
  for (auto _ : state) {
    if (!crypto::Verify(TypeOf(state), twin.signer.public_key(), message, signature))
      state.SkipWithError("the signature is bad");
  }
}
BENCHMARK(BM_verify_message)->ArgName("sr25519")->Arg(0)->Arg(1);

/// The key decoded and cached.
void BM_verify_prepared(benchmark::State& state) {
  auto const twin = load::Twin::Make(0, TypeOf(state));
  std::array<std::uint8_t, 16> const message{1};
  auto const signature = twin.signer.Sign(message);
  crypto::KeyCache cache;
  for (auto _ : state) {
    if (!cache.Verify(TypeOf(state), twin.signer.public_key(), message, signature))
      state.SkipWithError("the signature is bad");
  }
}
BENCHMARK(BM_verify_prepared)->ArgName("sr25519")->Arg(0)->Arg(1);

void BM_prepare_key(benchmark::State& state) {
  auto const twin = load::Twin::Make(0, TypeOf(state));
  for (auto _ : state)
    benchmark::DoNotOptimize(crypto::PreparedKey::Make(TypeOf(state), twin.signer.public_key()));
}
BENCHMARK(BM_prepare_key)->ArgName("sr25519")->Arg(0)->Arg(1);

void BM_sign_message(benchmark::State& state) {
  auto const twin = load::Twin::Make(0, TypeOf(state));
  std::array<std::uint8_t, 16> const message{1};
  for (auto _ : state)
    benchmark::DoNotOptimize(twin.signer.Sign(message));
}
BENCHMARK(BM_sign_message)->ArgName("sr25519")->Arg(0)->Arg(1);

void BM_verify_envelope(benchmark::State& state) {
  auto const twin = load::Twin::Make(0, TypeOf(state));
  auto const envelope = Must(
      rmb::ParseEnvelope(twin.Request(77, "uid", "zos.deployment.deploy", std::string(3700, 'x'))));
  for (auto _ : state)
    Must(rmb::CheckSignature(envelope, twin.signer.public_key()));
}
BENCHMARK(BM_verify_envelope)->ArgName("sr25519")->Arg(0)->Arg(1);

void BM_verify_deployment(benchmark::State& state) {
  auto const twin = load::Twin::Make(0, TypeOf(state));
  auto const document = load::Document::Make(twin.id, "bench", {});
  auto const deployment = Must(grid::ParseDeployment(document.Sign(twin, 1)));
  auto const hash = document.hash();
  auto const key = [&](std::uint32_t) -> Result<crypto::PublicKey> {
    return twin.signer.public_key();
  };
  for (auto _ : state)
    Must(grid::Verify(deployment, hash, key));
}
BENCHMARK(BM_verify_deployment)->ArgName("sr25519")->Arg(0)->Arg(1);

}  // namespace
