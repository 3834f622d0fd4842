// CPU floors per operation, one core. For a table: limit_cpu --benchmark_repetitions=5
//   --benchmark_report_aggregates_only=true --benchmark_enable_random_interleaving=true
#include "tests/bench/limits/accept.hpp"
#include "tests/bench/limits/common.hpp"

#include <benchmark/benchmark.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <boost/json.hpp>

#include <array>

namespace {

using namespace trellis::limits;  // NOLINT(google-build-using-namespace): a program of its own
namespace json = boost::json;
using Bytes32 = std::array<unsigned char, 32>;
using Signature = std::array<unsigned char, 64>;

constexpr Digest kMessage{1};

std::string const& Document() {
  static std::string const document = ReferenceDocument();
  return document;
}

Signature SignMessage() {
  Signature signature{};
  crypto_sign_detached(signature.data(), nullptr, kMessage.data(), kMessage.size(),
                       Key().secret_key.data());
  return signature;
}

void BM_ed25519_verify_sodium(benchmark::State& state) {
  auto const signature = SignMessage();
  for (auto _ : state)
    benchmark::DoNotOptimize(crypto_sign_verify_detached(signature.data(), kMessage.data(),
                                                         kMessage.size(), Key().public_key.data()));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ed25519_verify_sodium);

void BM_ed25519_sign_sodium(benchmark::State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(SignMessage());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ed25519_sign_sodium);

void BM_ed25519_verify_openssl(benchmark::State& state) {
  auto const signature = SignMessage();
  auto* const key =
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Key().public_key.data(), 32);
  auto* const context = EVP_MD_CTX_new();
  for (auto _ : state) {
    EVP_MD_CTX_reset(context);
    EVP_DigestVerifyInit(context, nullptr, nullptr, nullptr, key);
    if (EVP_DigestVerify(context, signature.data(), signature.size(), kMessage.data(),
                         kMessage.size()) != 1)
      Die("verify");
  }
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
}
BENCHMARK(BM_ed25519_verify_openssl);

/// The group arithmetic of an sr25519 verify done with libsodium alone: s*B - k*A, compared with R.
void BM_sr25519_group_math_sodium(benchmark::State& state) {
  Bytes32 k{};
  Bytes32 s{};
  Bytes32 key{};
  Bytes32 left{};
  Bytes32 right{};
  Bytes32 r{};
  crypto_core_ristretto255_scalar_random(k.data());
  crypto_core_ristretto255_scalar_random(s.data());
  crypto_core_ristretto255_random(key.data());
  for (auto _ : state) {
    crypto_scalarmult_ristretto255_base(left.data(), s.data());
    if (crypto_scalarmult_ristretto255(right.data(), k.data(), key.data()) != 0) Die("mult");
    crypto_core_ristretto255_sub(r.data(), left.data(), right.data());
    benchmark::DoNotOptimize(r);
  }
}
BENCHMARK(BM_sr25519_group_math_sodium);

void BM_ristretto_base_mult(benchmark::State& state) {
  Bytes32 s{};
  Bytes32 out{};
  crypto_core_ristretto255_scalar_random(s.data());
  for (auto _ : state)
    benchmark::DoNotOptimize(crypto_scalarmult_ristretto255_base(out.data(), s.data()));
}
BENCHMARK(BM_ristretto_base_mult);

void BM_ristretto_point_mult(benchmark::State& state) {
  Bytes32 s{};
  Bytes32 point{};
  Bytes32 out{};
  crypto_core_ristretto255_scalar_random(s.data());
  crypto_core_ristretto255_random(point.data());
  for (auto _ : state)
    benchmark::DoNotOptimize(crypto_scalarmult_ristretto255(out.data(), s.data(), point.data()));
}
BENCHMARK(BM_ristretto_point_mult);

void BM_md5_document(benchmark::State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(Md5(Document()));
}
BENCHMARK(BM_md5_document);

void BM_blake2b_document(benchmark::State& state) {
  Bytes32 out{};
  for (auto _ : state) {
    crypto_generichash(out.data(), out.size(),
                       reinterpret_cast<unsigned char const*>(Document().data()), Document().size(),
                       nullptr, 0);
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(BM_blake2b_document);

void BM_json_parse_default(benchmark::State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(json::parse(Document()));
}
BENCHMARK(BM_json_parse_default);

void BM_json_parse_arena(benchmark::State& state) {
  static std::array<unsigned char, std::size_t{64} << 10> buffer;
  for (auto _ : state) {
    json::monotonic_resource arena(buffer.data(), buffer.size());
    benchmark::DoNotOptimize(json::parse(Document(), &arena));
  }
}
BENCHMARK(BM_json_parse_arena);

void BM_json_serialize(benchmark::State& state) {
  auto const value = json::parse(Document());
  for (auto _ : state)
    benchmark::DoNotOptimize(json::serialize(value));
}
BENCHMARK(BM_json_serialize);

void BM_envelope_decode(benchmark::State& state) {
  auto const bytes = MakeEnvelope(Document()).SerializeAsString();
  wire::Envelope envelope;
  for (auto _ : state)
    benchmark::DoNotOptimize(envelope.ParseFromString(bytes));
}
BENCHMARK(BM_envelope_decode);

void BM_envelope_encode(benchmark::State& state) {
  auto const envelope = MakeEnvelope(Document());
  std::string bytes;
  for (auto _ : state)
    benchmark::DoNotOptimize(envelope.SerializeToString(&bytes));
}
BENCHMARK(BM_envelope_encode);

/// The floor of one accepted deployment: see Accept. No lock, no queue, no disk.
void BM_ideal_accept(benchmark::State& state) {
  auto const request = SignedRequest(Document(), "2f1c7a52-4a53-4d0c-9d4d-0a6d5e3f9b11");
  Accept accept;
  for (auto _ : state) {
    if (!accept.Run(request.data(), request.size())) Die("accept");
  }
}
BENCHMARK(BM_ideal_accept);

}  // namespace

int main(int argc, char** argv) {
  if (sodium_init() < 0) return 1;
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
