#include "kernel/store/writer.hpp"

#include "kernel/base/late_wakes.hpp"
#include "kernel/store/checkpoints.hpp"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace trellis::store {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kFewWorks = 2;

/// Tells all who wait for one transaction with one system call. (std::atomic would give its time
/// to other threads several times before it sleeps.)
class Latch {
 public:
  void Open() {
    word_.store(1, std::memory_order_release);
    Futex(FUTEX_WAKE_PRIVATE, std::numeric_limits<int>::max());
  }
  void Wait() {
    while (word_.load(std::memory_order_acquire) == 0)
      Futex(FUTEX_WAIT_PRIVATE, 0);
  }

 private:
  void Futex(int operation, int value) {
    (void)::syscall(SYS_futex, &word_, operation, value, nullptr, nullptr, 0);
  }
  std::atomic<std::uint32_t> word_{0};
  static_assert(sizeof word_ == sizeof(std::uint32_t));
};

struct Item {
  Writer::Work work;
  Writer::Done done;
};

struct Batch {
  std::deque<Item> items;
  std::shared_ptr<Latch> latch;  // null: nobody waits
};

using Outcomes = std::vector<Result<void>>;

/// Runs one work in its own savepoint. The outer error means the whole transaction is gone.
Result<Result<void>> RunInSavepoint(Database& database, Writer::Work const& work) {
  TRELLIS_CHECK(database.Savepoint(Database::SavepointStep::kOpen));
  auto outcome = work(database);
  database.EndReads();
  if (!outcome) TRELLIS_CHECK(database.Savepoint(Database::SavepointStep::kRollBack));
  TRELLIS_CHECK(database.Savepoint(Database::SavepointStep::kRelease));
  return outcome;
}

Result<void> Begin(Database& database, WriterOptions const& options) {
  TRELLIS_CHECK(database.Begin(Database::Transaction::kWrite));
  return options.begin ? options.begin(database) : Result<void>();
}

/// False: a work that failed has written something, and there is no savepoint to go back to.
Result<bool> RunTogether(Database& database, std::deque<Item> const& items, Outcomes& outcomes) {
  for (auto const& item : items) {
    auto const changes = database.TotalChanges();
    outcomes.push_back(item.work(database));
    database.EndReads();
    if (!outcomes.back() && database.TotalChanges() != changes) return false;
  }
  return true;
}

Result<void> RunApart(Database& database, std::deque<Item> const& items, Outcomes& outcomes) {
  for (auto const& item : items) {
    TRELLIS_TRY(auto outcome, RunInSavepoint(database, item.work));
    outcomes.push_back(std::move(outcome));
  }
  return {};
}

Result<void> RunItems(Database& database, WriterOptions const& options,
                      std::deque<Item> const& items, Outcomes& outcomes) {
  if (options.repeatable) {
    TRELLIS_TRY(bool const done, RunTogether(database, items, outcomes));
    if (done) return {};
    outcomes.clear();
    TRELLIS_CHECK(database.Exec("ROLLBACK"));
    TRELLIS_CHECK(Begin(database, options));
  }
  return RunApart(database, items, outcomes);
}

Result<Outcomes> RunBatch(Database& database, WriterOptions const& options,
                          std::deque<Item> const& items) {
  TRELLIS_CHECK(Begin(database, options));
  Outcomes outcomes;
  outcomes.reserve(items.size());
  TRELLIS_CHECK(RunItems(database, options, items, outcomes));
  if (options.end) {
    TRELLIS_CHECK(options.end(database));
    database.EndReads();
  }
  TRELLIS_CHECK(database.Commit());
  return outcomes;
}

}  // namespace

struct Writer::State {
  std::unique_ptr<Database> database;  // used by the thread only, as the next
  std::unique_ptr<Checkpoints> checkpoints;
  WriterOptions options;

  std::mutex mutex;  // guards the eight below
  std::condition_variable ready;
  std::deque<Item> queue;
  std::shared_ptr<Latch> latch;   // of those who wait for what is in the queue
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
      if (batch.items.empty()) return;
      CommitBatch(batch);
      std::lock_guard const lock(mutex);
      committing = false;
    }
  }

  /// With the mutex held. True: the thread has to be woken.
  bool Queue(Item item, Urgency urgency) {
    bool const first = queue.empty();
    queue.push_back(std::move(item));
    if (urgency == Urgency::kNow) return !std::exchange(urgent, true);
    if (first) due = SteadyClock::now() + options.soon;
    return first;
  }

  /// Empty: the end.
  Batch TakeBatch() {
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
    return {std::exchange(queue, {}), std::exchange(latch, {})};
  }

  void CommitBatch(Batch& batch) {
    auto const start = SteadyClock::now();
    auto const changes = database->TotalChanges();
    auto outcomes = RunBatch(*database, options, batch.items);
    // SQLite may have rolled back already (disk full); then this fails and nothing is lost by it.
    if (!outcomes) (void)database->Exec("ROLLBACK");
    bool const wrote = database->TotalChanges() != changes;
    Count(batch.items.size(), outcomes.has_value(), wrote, SteadyClock::now() - start);
    if (outcomes && wrote && options.committed) options.committed();
    Tell(batch, outcomes);
    if (batch.latch != nullptr) batch.latch->Open();
    if (wrote) checkpoints->Look(batch.items.size() <= kFewWorks);
  }

  static void Tell(Batch& batch, Result<Outcomes>& outcomes) {
    LateWakes const late;
    for (std::size_t i = 0; i < batch.items.size(); ++i) {
      if (outcomes) {
        batch.items[i].done(std::move((*outcomes)[i]));
      } else {
        batch.items[i].done(tl::unexpected<Error>(outcomes.error()));
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
  state->options = std::move(options);
  state->checkpoints = std::make_unique<Checkpoints>(*state->database, std::string(thread_name));
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
    wake = state_->Queue({std::move(work), std::move(done)}, urgency);
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
  Result<void> stored;
  std::shared_ptr<Latch> latch;
  bool wake = false;
  {
    std::lock_guard const lock(state_->mutex);
    wake = state_->Queue(
        {std::move(work), [&stored](Result<void> outcome) { stored = std::move(outcome); }},
        Urgency::kNow);
    if (state_->latch == nullptr) state_->latch = std::make_shared<Latch>();
    latch = state_->latch;
  }
  if (wake) state_->ready.notify_one();
  latch->Wait();
  return stored;
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
