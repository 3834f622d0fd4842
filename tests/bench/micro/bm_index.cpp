// Look-ups in the ledger with few and with many entries. Compare with BM_hash_lookup.
#include "kernel/ledger/embedded/embedded_ledger.hpp"
#include "tests/bench/micro/must.hpp"
#include "tests/support/temp_dir.hpp"

#include <benchmark/benchmark.h>

#include <memory>
#include <unordered_map>

namespace {

using namespace trellis;  // NOLINT(google-build-using-namespace): a program of its own
using bench::Must;

constexpr std::uint32_t kFirstTwin = 1000;
constexpr std::uint32_t kOwner = kFirstTwin;

std::string HashOf(std::size_t number) {
  return fmt::format("{:032x}", number);
}

/// A node, `count` twins, `count` node contracts and a hundredth of it name contracts.
class World {
 public:
  explicit World(std::size_t count) : count_(count) {
    ledger_ = Must(ledger::EmbeddedLedger::Open(dir_ / "ledger.db"));
    ledger::ImportData data;
    for (std::uint32_t i = 0; i < std::max<std::size_t>(count, 2); ++i) {
      auto& twin = data.twins.emplace_back();
      twin.id = kFirstTwin + i;
      for (std::size_t byte = 0; byte < 4; ++byte)
        twin.account.bytes[byte] = static_cast<std::uint8_t>(twin.id >> (8 * byte));
    }
    Must(ledger_->Import(data));
    ledger::CreateFarm farm;
    farm.name = "farm";
    farm.twin = kOwner;
    ledger::Caller tool;
    tool.admin = true;
    Must(ledger_->Submit(tool, farm));
    ledger::RegisterNode node;
    node.spec.farm_id = 1;
    node_ = ledger::ToId(Must(ledger_->Submit(Of(kOwner + 1), node)));
    ledger::ImportData contracts;
    for (std::size_t i = 0; i < count; ++i)
      contracts.contracts.push_back({kOwner, node_, HashOf(i), {}});
    Must(ledger_->Import(contracts));
    first_ = Must(ledger_->ContractByHash(node_, HashOf(0)));
    for (std::size_t i = 0; i < std::max<std::size_t>(count / 100, 10); ++i)
      Must(ledger_->Submit(Of(kOwner), ledger::CreateNameContract{fmt::format("name{}", i)}));
  }

  static ledger::Caller Of(std::uint32_t twin) {
    ledger::Caller caller;
    caller.twin = twin;
    return caller;
  }

  std::size_t count_;
  testing::TempDir dir_;
  std::unique_ptr<ledger::EmbeddedLedger> ledger_;
  std::uint32_t node_ = 0;
  std::uint64_t first_ = 0;
};

World& WorldOf(benchmark::State const& state) {
  static std::map<std::int64_t, std::unique_ptr<World>> worlds;
  auto& world = worlds[state.range(0)];
  if (world == nullptr) world = std::make_unique<World>(static_cast<std::size_t>(state.range(0)));
  return *world;
}

/// Walks all numbers below `count` in an order that is not theirs.
class Scattered {
 public:
  explicit Scattered(std::size_t count) : count_(count) {}
  std::size_t Next() { return (at_ += 7919) % count_; }

 private:
  std::size_t count_;
  std::size_t at_ = 0;
};

void BM_twin(benchmark::State& state) {
  auto& world = WorldOf(state);
  Scattered pick(world.count_);
  for (auto _ : state) {
    auto const id = kFirstTwin + static_cast<std::uint32_t>(pick.Next());
    benchmark::DoNotOptimize(Must(world.ledger_->GetTwin(id)));
  }
}
BENCHMARK(BM_twin)->Arg(10)->Arg(10000)->Arg(100000);

void BM_contract(benchmark::State& state) {
  auto& world = WorldOf(state);
  Scattered pick(world.count_);
  for (auto _ : state)
    benchmark::DoNotOptimize(Must(world.ledger_->GetContract(world.first_ + pick.Next())));
}
BENCHMARK(BM_contract)->Arg(10)->Arg(10000)->Arg(100000);

void BM_contract_by_hash(benchmark::State& state) {
  auto& world = WorldOf(state);
  Scattered pick(world.count_);
  for (auto _ : state) {
    auto const hash = HashOf(pick.Next());
    benchmark::DoNotOptimize(Must(world.ledger_->ContractByHash(world.node_, hash)));
  }
}
BENCHMARK(BM_contract_by_hash)->Arg(10)->Arg(10000)->Arg(100000);

void BM_name(benchmark::State& state) {
  auto& world = WorldOf(state);
  for (auto _ : state)
    benchmark::DoNotOptimize(Must(world.ledger_->NameContract("name7")));
}
BENCHMARK(BM_name)->Arg(10)->Arg(10000)->Arg(100000);

void BM_hash_lookup(benchmark::State& state) {
  std::unordered_map<std::uint64_t, std::uint64_t> map;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(state.range(0)); ++i)
    map.emplace(i, i);
  Scattered pick(map.size());
  for (auto _ : state)
    benchmark::DoNotOptimize(map.find(pick.Next()));
}
BENCHMARK(BM_hash_lookup)->Arg(10)->Arg(10000)->Arg(100000);

}  // namespace
