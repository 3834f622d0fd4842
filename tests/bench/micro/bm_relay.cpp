// The relay's way with one message, without sockets: read where it goes, queue it, take it out.
// Compare with BM_envelope_decode of limit_cpu.
#include "kernel/rmb/relay/router.hpp"
#include "kernel/rmb/token.hpp"

#include <benchmark/benchmark.h>

namespace {

using namespace trellis;  // NOLINT(google-build-using-namespace): a program of its own

constexpr std::int64_t kNow = 1'800'000'000;

class NoTwins final : public rmb::TwinDirectory, public rmb::Outbound, public rmb::Reader {
 public:
  Result<rmb::TwinInfo> Twin(std::uint32_t id) override {
    return Fail(Code::kNotFound, "no twin {}", id);
  }
  Result<void> Send(rmb::OutboundMessage /*message*/) override { return {}; }
  void Wake() override {}
  void Lost(rmb::Loss /*loss*/) override {}
};

std::string Envelope(rmb::Address const& from, rmb::Address const& to, std::size_t payload) {
  rmb::Envelope envelope;
  envelope.uid = "34bf4e0b-d535-4e19-af1a-41465bcf03bd";
  envelope.tags = "";
  envelope.timestamp = static_cast<std::uint64_t>(kNow);
  envelope.expiration = 300;
  envelope.source = from;
  envelope.destination = to;
  envelope.message = rmb::Request{"zos.deployment.get"};
  envelope.signature = std::string(65, 's');
  envelope.schema = "application/json";
  envelope.payload = rmb::Plain{std::string(payload, 'x')};
  envelope.relays = {"relay.example.org"};
  return rmb::SerializeEnvelope(envelope);
}

void BM_view(benchmark::State& state) {
  auto const bytes = Envelope({1, "s"}, {2, "r"}, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state)
    benchmark::DoNotOptimize(rmb::ViewEnvelope(bytes));
}
BENCHMARK(BM_view)->ArgName("payload")->Arg(2048)->Arg(65536);

void BM_route(benchmark::State& state) {
  SystemClock const clock;
  NoTwins none;
  rmb::TwinCache twins(none, {}, clock);
  rmb::Queues queues{{}};
  rmb::RelayCounters counters;
  rmb::MemoryDelivery delivery(queues, counters, clock);
  rmb::RateLimit limit(std::nullopt);
  rmb::Router router({twins, queues, delivery, none, limit});
  rmb::Address const from{1, "s"};
  auto const bytes = Envelope(from, {2, "r"}, static_cast<std::size_t>(state.range(0)));
  auto& mailbox = queues.Open({2, "r"}, none);
  for (auto _ : state) {
    auto letter = rmb::OneLetter(bytes, 0, 0);
    benchmark::DoNotOptimize(router.Route(from, letter, kNow));
    benchmark::DoNotOptimize(queues.Pop(mailbox));
  }
  queues.Close(mailbox);
}
BENCHMARK(BM_route)->ArgName("payload")->Arg(2048)->Arg(65536);

}  // namespace
