// The embedded ledger: signed writes of many at once, durable one by one, and the processor's part
// of a write alone. Compare with group commit of limit_disk and with verification in limit_cpu.
#include "kernel/crypto/keys.hpp"
#include "kernel/ledger/embedded/embedded_ledger.hpp"
#include "tests/bench/micro/must.hpp"
#include "tests/support/temp_dir.hpp"

#include <benchmark/benchmark.h>

#include <atomic>
#include <memory>
#include <vector>

namespace {

using namespace trellis;  // NOLINT(google-build-using-namespace): a program of its own
using bench::Must;

constexpr std::size_t kMessageBytes = 200;  // about a signed extrinsic

/// What a client sends with a write.
class SignedMessage {
 public:
  SignedMessage()
      : signer_(MakeSigner()), bytes_(kMessageBytes, 7), signature_(signer_.Sign(bytes_)) {}

  void Verify() const {
    if (!crypto::Verify(crypto::KeyType::kEd25519, signer_.public_key(), bytes_, signature_))
      Must(Result<void>(Fail(Code::kInternal, "a good signature is refused")));
  }

 private:
  static crypto::Signer MakeSigner() {
    std::array<std::uint8_t, 32> seed{};
    seed.fill(9);
    return crypto::Signer::FromSeed(crypto::KeyType::kEd25519, seed);
  }

  crypto::Signer signer_;
  crypto::Bytes bytes_;
  crypto::Signature signature_;
};

class Grid {
 public:
  Grid() : ledger_(Must(ledger::EmbeddedLedger::Open(dir_ / "ledger.db"))) {
    ledger::Caller admin;
    admin.admin = true;
    admin.twin = ledger::ToId(Must(ledger_->Submit(admin, NextTwin())));
    ledger::CreateFarm farm;
    farm.name = "farm";
    farm.twin = admin.twin;
    ledger::RegisterNode node;
    node.spec.farm_id = ledger::ToId(Must(ledger_->Submit(admin, farm)));
    node_ = ledger::ToId(Must(ledger_->Submit(admin, node)));
  }

  ledger::CreateTwin NextTwin() {
    ledger::CreateTwin call;
    auto const number = ++next_;
    for (std::size_t i = 0; i < 8; ++i)
      call.account.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
    call.relay = "relay.example.org";
    return call;
  }

  ledger::CreateNodeContract NextContract() {
    ledger::CreateNodeContract call;
    call.node = node_;
    call.hash = fmt::format("{:032x}", ++next_);
    call.data = R"({"type":"vm","name":"load","projectName":"load"})";
    return call;
  }

  ledger::EmbeddedLedger& ledger() { return *ledger_; }

 private:
  testing::TempDir dir_;
  std::unique_ptr<ledger::EmbeddedLedger> ledger_;
  std::uint32_t node_ = 0;
  std::atomic<std::uint64_t> next_ = 0;
};

Grid& SharedGrid() {
  static Grid grid;
  return grid;
}

/// A twin and a contract of it, each signed, verified and durable before the next.
void BM_twin_and_contract(benchmark::State& state) {
  static Grid* grid = nullptr;
  if (state.thread_index() == 0) grid = &SharedGrid();
  SignedMessage const message;
  for (auto _ : state) {
    ledger::Caller caller;
    message.Verify();
    caller.twin = ledger::ToId(Must(grid->ledger().Submit(caller, grid->NextTwin())));
    message.Verify();
    Must(grid->ledger().Submit(caller, grid->NextContract()));
  }
  state.SetItemsProcessed(2 * state.iterations());
}
BENCHMARK(BM_twin_and_contract)->Threads(1)->Threads(16)->Threads(64)->UseRealTime();

/// The processor's part of a contract: many in one commit.
void BM_contracts_in_batches(benchmark::State& state) {
  auto& grid = SharedGrid();
  ledger::Caller caller;
  caller.twin = 1;
  for (auto _ : state) {
    std::vector<ledger::Call> calls;
    for (std::size_t i = 0; i < ledger::kMaxBatch; ++i)
      calls.emplace_back(grid.NextContract());
    Must(grid.ledger().SubmitAll(caller, calls));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(ledger::kMaxBatch));
}
BENCHMARK(BM_contracts_in_batches)->MeasureProcessCPUTime();

}  // namespace
