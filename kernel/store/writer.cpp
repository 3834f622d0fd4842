#include "kernel/store/writer.hpp"

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace trellis::store {
namespace {

struct Item {
  Writer::Work work;
  std::function<void(Result<void>)> done;
};

/// Runs one work in its own savepoint. The outer error means the whole transaction is gone.
Result<Result<void>> RunInSavepoint(Database& database, Writer::Work const& work) {
  TRELLIS_CHECK(database.Exec("SAVEPOINT work"));
  auto outcome = work(database);
  database.EndReads();
  if (!outcome) TRELLIS_CHECK(database.Exec("ROLLBACK TO work"));
  TRELLIS_CHECK(database.Exec("RELEASE work"));
  return outcome;
}

Result<std::vector<Result<void>>> RunBatch(Database& database, std::deque<Item> const& batch) {
  TRELLIS_CHECK(database.Exec("BEGIN IMMEDIATE"));
  std::vector<Result<void>> outcomes;
  outcomes.reserve(batch.size());
  for (auto const& item : batch) {
    TRELLIS_TRY(auto outcome, RunInSavepoint(database, item.work));
    outcomes.push_back(std::move(outcome));
  }
  TRELLIS_CHECK(database.Exec("COMMIT"));
  return outcomes;
}

}  // namespace

struct Writer::State {
  std::unique_ptr<Database> database;  // used by the thread only
  std::mutex mutex;                    // guards queue and stopping
  std::condition_variable ready;
  std::deque<Item> queue;
  bool stopping = false;
  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> works{0};
  std::atomic<std::uint64_t> pages{0};
  std::thread thread;

  void Loop() {
    for (;;) {
      std::deque<Item> batch;
      {
        std::unique_lock lock(mutex);
        ready.wait(lock, [&] { return stopping || !queue.empty(); });
        if (queue.empty()) return;
        batch.swap(queue);
      }
      CommitBatch(std::move(batch));
    }
  }

  void CommitBatch(std::deque<Item> batch) {
    auto outcomes = RunBatch(*database, batch);
    if (outcomes) {
      ++commits;
      works += batch.size();
      pages += database->TakePagesWritten();
      for (std::size_t i = 0; i < batch.size(); ++i)
        batch[i].done(std::move((*outcomes)[i]));
      return;
    }
    // SQLite may have rolled back already (disk full); then this fails and nothing is lost by it.
    [[maybe_unused]] auto const rolled_back = database->Exec("ROLLBACK");
    for (auto& item : batch)
      item.done(tl::unexpected<Error>(outcomes.error()));
  }
};

Writer::Writer(std::unique_ptr<State> state) : state_(std::move(state)) {}

std::unique_ptr<Writer> Writer::Start(std::unique_ptr<Database> database,
                                      std::string_view thread_name) {
  auto state = std::make_unique<State>();
  state->database = std::move(database);
  state->thread = std::thread([raw = state.get(), name = std::string(thread_name)] {
    pthread_setname_np(pthread_self(), name.c_str());
    raw->Loop();
  });
  return std::unique_ptr<Writer>(new Writer(std::move(state)));  // NOLINT: private constructor
}

Writer::~Writer() {
  {
    std::lock_guard const lock(state_->mutex);
    state_->stopping = true;
  }
  state_->ready.notify_one();
  state_->thread.join();
}

void Writer::SubmitThen(Work work, std::function<void(Result<void>)> done) {
  {
    std::lock_guard const lock(state_->mutex);
    state_->queue.push_back({std::move(work), std::move(done)});
  }
  state_->ready.notify_one();
}

std::future<Result<void>> Writer::Submit(Work work) {
  // Shared by the queue entry alone; std::function needs a copyable callable.
  auto promise = std::make_shared<std::promise<Result<void>>>();
  auto future = promise->get_future();
  SubmitThen(std::move(work),
             [promise](Result<void> outcome) { promise->set_value(std::move(outcome)); });
  return future;
}

Writer::Counters Writer::counters() const {
  return {state_->commits, state_->works, state_->pages};
}

Result<void> Writer::Commit(Work work) {
  return Submit(std::move(work)).get();
}

}  // namespace trellis::store
