// The node's store: what a settled deployment writes, alone and beside others, and what questions
// read, with few and with many stored. Compare with limit_store and group_commit of limit_disk.
#include "kernel/store/readers.hpp"
#include "kernel/store/records.hpp"
#include "kernel/store/schema.hpp"
#include "kernel/store/workload_set.hpp"
#include "kernel/store/writer.hpp"
#include "tests/bench/micro/must.hpp"
#include "tests/support/temp_dir.hpp"

#include <benchmark/benchmark.h>

#include <atomic>
#include <map>
#include <memory>

namespace {

using namespace trellis;  // NOLINT(google-build-using-namespace): a program of its own
using bench::Must;

constexpr std::uint32_t kTwins = 100;

store::DeploymentKey KeyOf(std::uint64_t number) {
  return {1000 + static_cast<std::uint32_t>(number % kTwins), number};
}

store::WorkloadRow WorkloadOf(store::DeploymentKey key) {
  store::WorkloadRow row;
  row.key = key;
  row.name = "work0";
  row.type = "noop";
  row.data = R"({"payload":")" + std::string(2800, 'p') + R"("})";
  row.state = "ok";
  row.result = R"({"filler":")" + std::string(2034, 'r') + R"("})";
  row.eff_version = 0;
  row.created = 1700000000;
  return row;
}

/// A deployment as it is when it has settled: document, one workload, its history.
Result<void> PutSettled(store::Database& db, std::uint64_t number) {
  store::DeploymentRow row;
  row.key = KeyOf(number);
  row.hash = std::string(32, 'a');
  row.header = R"("version":0,"description":"load")";
  row.doc = std::string(3700, 'd');
  row.validated = true;
  TRELLIS_CHECK(store::PutDeployment(db, row));
  auto workload = WorkloadOf(row.key);
  store::WorkloadSet workloads(row.key);
  workloads.BeginNew();
  workloads.Put(workload);
  TRELLIS_CHECK(workloads.AddChange(db, workload));
  return workloads.Save(db);
}

class Store {
 public:
  explicit Store(std::uint64_t count) : count_(count) {
    auto database =
        Must(store::Database::Open(dir_ / "store.db", store::Database::Mode::kReadWrite));
    Must(store::Migrate(*database));
    writer_ = store::Writer::Start(std::move(database), "store");
    readers_ = std::make_unique<store::Readers>(dir_ / "store.db");
    constexpr std::uint64_t kBatch = 500;
    for (std::uint64_t first = 0; first < count; first += kBatch) {
      Must(writer_->Commit([&](store::Database& db) -> Result<void> {
        for (auto i = first; i < std::min(first + kBatch, count); ++i)
          TRELLIS_CHECK(PutSettled(db, i));
        return {};
      }));
    }
    next_ = count;
  }
  [[nodiscard]] store::DeploymentKey Scattered() { return KeyOf((at_ += 7919) % count_); }

  std::uint64_t count_;
  std::uint64_t at_ = 0;
  std::atomic<std::uint64_t> next_{0};
  testing::TempDir dir_;
  std::unique_ptr<store::Writer> writer_;
  std::unique_ptr<store::Readers> readers_;
};

Store& StoreWith(std::int64_t count) {
  static std::map<std::int64_t, std::unique_ptr<Store>> stores;
  auto& store = stores[count];
  if (store == nullptr) store = std::make_unique<Store>(static_cast<std::uint64_t>(count));
  return *store;
}

/// Durable when it returns; the writer takes what waits together.
void BM_put_settled(benchmark::State& state) {
  static Store* store = nullptr;
  if (state.thread_index() == 0) store = &StoreWith(10);
  auto const before = state.thread_index() == 0 ? store->writer_->counters().commits : 0;
  for (auto _ : state) {
    auto const number = store->next_++;
    Must(store->writer_->Commit([&](store::Database& db) { return PutSettled(db, number); }));
  }
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) {
    auto const commits = store->writer_->counters().commits - before;
    state.counters["per_commit"] =
        static_cast<double>(state.iterations()) * state.threads() / static_cast<double>(commits);
  }
}
BENCHMARK(BM_put_settled)->ThreadRange(1, 64)->UseRealTime();

/// The processor's part alone: one commit of many.
void BM_put_settled_in_batches(benchmark::State& state) {
  auto& store = StoreWith(10);
  constexpr int kBatch = 64;
  for (auto _ : state) {
    Must(store.writer_->Commit([&](store::Database& db) -> Result<void> {
      for (int i = 0; i < kBatch; ++i)
        TRELLIS_CHECK(PutSettled(db, store.next_++));
      return {};
    }));
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(BM_put_settled_in_batches)->MeasureProcessCPUTime();

template <class Read>
void Question(benchmark::State& state, Read read) {
  auto& store = StoreWith(state.range(0));
  for (auto _ : state) {
    auto const key = store.Scattered();
    benchmark::DoNotOptimize(
        Must(store.readers_->Run([&](store::Database& db) { return read(db, key); })));
  }
}

void BM_get(benchmark::State& state) {
  Question(state, [](store::Database& db, store::DeploymentKey key) {
    return store::FindDeployment(db, key);
  });
}
BENCHMARK(BM_get)->Arg(10)->Arg(10000)->Arg(100000);

void BM_current(benchmark::State& state) {
  Question(state, [](store::Database& db, store::DeploymentKey key) {
    return store::FindWorkload(db, key, "work0");
  });
}
BENCHMARK(BM_current)->Arg(10)->Arg(10000)->Arg(100000);

void BM_changes(benchmark::State& state) {
  Question(state, [](store::Database& db, store::DeploymentKey key) {
    return store::ListChanges(db, key);
  });
}
BENCHMARK(BM_changes)->Arg(10)->Arg(10000)->Arg(100000);

/// What acceptance asks before it accepts one more.
void BM_counts(benchmark::State& state) {
  Question(state, [](store::Database& db, store::DeploymentKey key) {
    return store::CountDeployments(db, key.twin);
  });
}
BENCHMARK(BM_counts)->Arg(10)->Arg(10000)->Arg(100000);

void BM_totals(benchmark::State& state) {
  Question(state, [](store::Database& db, store::DeploymentKey) { return store::ReadTotals(db); });
}
BENCHMARK(BM_totals)->Arg(10)->Arg(10000)->Arg(100000);

}  // namespace
