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

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kFewWorks = 2;

struct Item {
  Writer::Work work;
  Writer::Done done;
};

/// Runs one work in its own savepoint. The outer error means the whole transaction is gone.
Result<Result<void>> RunInSavepoint(Database& database, Writer::Work const& work) {
  TRELLIS_CHECK(database.Savepoint(Database::SavepointStep::kOpen));
  auto outcome = work(database);
  database.EndReads();
  if (!outcome) TRELLIS_CHECK(database.Savepoint(Database::SavepointStep::kRollBack));
  TRELLIS_CHECK(database.Savepoint(Database::SavepointStep::kRelease));
  return outcome;
}

Result<std::vector<Result<void>>> RunBatch(Database& database, std::deque<Item> const& batch) {
  TRELLIS_CHECK(database.Begin(Database::Transaction::kWrite));
  std::vector<Result<void>> outcomes;
  outcomes.reserve(batch.size());
  for (auto const& item : batch) {
    TRELLIS_TRY(auto outcome, RunInSavepoint(database, item.work));
    outcomes.push_back(std::move(outcome));
  }
  TRELLIS_CHECK(database.Commit());
  return outcomes;
}

}  // namespace

struct Writer::State {
  std::unique_ptr<Database> database;  // used by the thread only
  WriterOptions options;

  std::mutex mutex;  // guards the seven below
  std::condition_variable ready;
  std::deque<Item> queue;
  bool urgent = false;            // something in the queue is waited for
  SteadyClock::time_point due{};  // of the oldest work in a queue without hurry
  bool committing = false;
  std::size_t batch_size = 0;  // of the commit under way
  bool stopping = false;

  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> works{0};
  std::atomic<std::uint64_t> pages{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> commit_ns{0};
  std::atomic<std::uint64_t> longest_ns{0};
  std::thread thread;

  void Loop() {
    while (true) {
      auto batch = TakeBatch();
      if (batch.empty()) return;
      CommitBatch(batch);
      std::lock_guard const lock(mutex);
      committing = false;
    }
  }

  /// Empty: the end.
  std::deque<Item> TakeBatch() {
    std::unique_lock lock(mutex);
    while (!urgent && !stopping) {
      if (queue.empty()) {
        ready.wait(lock);
      } else if (SteadyClock::now() >= due) {
        break;
      } else {
        (void)ready.wait_until(lock, due);  // the loop looks again
      }
    }
    urgent = false;
    committing = true;
    batch_size = queue.size();
    return std::exchange(queue, {});
  }

  void CommitBatch(std::deque<Item>& batch) {
    auto const start = SteadyClock::now();
    auto const changes = database->TotalChanges();
    auto outcomes = RunBatch(*database, batch);
    // SQLite may have rolled back already (disk full); then this fails and nothing is lost by it.
    if (!outcomes) (void)database->Exec("ROLLBACK");
    bool const wrote = database->TotalChanges() != changes;
    Count(batch.size(), outcomes.has_value(), wrote, SteadyClock::now() - start);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (outcomes) {
        batch[i].done(std::move((*outcomes)[i]));
      } else {
        batch[i].done(tl::unexpected<Error>(outcomes.error()));
      }
    }
  }

  void Count(std::size_t size, bool done, bool wrote, std::chrono::nanoseconds time) {
    if (!done) ++failed;
    if (!done || !wrote) return;
    ++commits;
    works += size;
    pages += database->TakePagesWritten();
    auto const ns = static_cast<std::uint64_t>(time.count());
    commit_ns += ns;
    if (ns > longest_ns) longest_ns = ns;  // written by this thread only
  }
};

Writer::Writer(std::unique_ptr<State> state) : state_(std::move(state)) {}

std::unique_ptr<Writer> Writer::Start(std::unique_ptr<Database> database,
                                      std::string_view thread_name, WriterOptions options) {
  auto state = std::make_unique<State>();
  state->database = std::move(database);
  state->options = options;
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

void Writer::SubmitThen(Work work, Done done, Urgency urgency) {
  bool wake = false;
  {
    std::lock_guard const lock(state_->mutex);
    bool const first = state_->queue.empty();
    state_->queue.push_back({std::move(work), std::move(done)});
    if (urgency == Urgency::kNow) {
      wake = !std::exchange(state_->urgent, true);
    } else if (first) {
      state_->due = SteadyClock::now() + state_->options.soon;
      wake = true;
    }
  }
  if (wake) state_->ready.notify_one();
}

std::future<Result<void>> Writer::Submit(Work work) {
  // Shared by the queue entry alone; std::function needs a copyable callable.
  auto promise = std::make_shared<std::promise<Result<void>>>();
  auto future = promise->get_future();
  SubmitThen(std::move(work),
             [promise](Result<void> outcome) { promise->set_value(std::move(outcome)); });
  return future;
}

Result<void> Writer::Commit(Work work) {
  return Submit(std::move(work)).get();
}

void Writer::Flush() {
  {
    std::lock_guard const lock(state_->mutex);
    if (state_->queue.empty() && !state_->committing) return;
  }
  (void)Commit([](Database&) -> Result<void> { return {}; });  // those before it got their answers
}

bool Writer::idle() const {
  std::lock_guard const lock(state_->mutex);
  return state_->queue.empty() && state_->batch_size <= kFewWorks;
}

Writer::Counters Writer::counters() const {
  return {state_->commits, state_->works,     state_->pages,
          state_->failed,  state_->commit_ns, state_->longest_ns};
}

}  // namespace trellis::store
