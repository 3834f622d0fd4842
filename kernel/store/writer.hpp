// The one writer of a database: commits whatever waits in one transaction (group commit).
#pragma once

#include "kernel/store/database.hpp"

#include <trellis/result.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>

namespace trellis::store {

struct WriterOptions {
  /// How long work that nobody waits for may wait for company.
  std::chrono::milliseconds soon{50};
  /// Works may run again after what they wrote was undone. They share a transaction without a
  /// savepoint for each, which takes a quarter of the time: when one fails that has written
  /// something, the transaction begins anew, with savepoints.
  bool repeatable = false;
  /// Run in each transaction before the first and after the last work, also when none succeeded.
  /// Their error undoes all. The end of a transaction may come without an end here when it is
  /// undone.
  std::function<Result<void>(Database&)> begin{};
  std::function<Result<void>(Database&)> end{};
  /// Told on the writer's thread before the works' own Done, when something is durable.
  std::function<void()> committed{};
};

/// Owns the write connection and the thread `store`. Safe for use by several threads.
class Writer {
 public:
  /// Work done inside a transaction on the writer's thread. An error rolls this work alone back
  /// (savepoint). It may run while others wait: no I/O but the database.
  using Work = std::function<Result<void>(Database&)>;
  /// Told on the writer's thread when the work is durable or failed; must be quick and must not
  /// wait for the writer.
  using Done = std::function<void(Result<void>)>;
  /// kSoon: nobody waits for it. It is committed with the next work that is kNow, or after
  /// WriterOptions::soon.
  enum class Urgency : std::uint8_t { kNow, kSoon };

  /// What it did so far.
  struct Counters {
    std::uint64_t commits = 0;     ///< transactions that wrote: one sync each
    std::uint64_t works = 0;       ///< what they contained
    std::uint64_t pages = 0;       ///< database pages written to the log
    std::uint64_t failed = 0;      ///< transactions that could not be committed
    std::uint64_t commit_ns = 0;   ///< time spent in transactions
    std::uint64_t longest_ns = 0;  ///< the longest of them
  };

  /// Takes the connection and starts the thread. `thread_name` <= 15 characters.
  static std::unique_ptr<Writer> Start(std::unique_ptr<Database> database,
                                       std::string_view thread_name, WriterOptions options = {});
  /// Commits what waits, then stops the thread.
  ~Writer();
  Writer(Writer const&) = delete;
  Writer& operator=(Writer const&) = delete;

  /// Queues `work`; the future is ready when its transaction is durable (or failed: work's own
  /// error, or kIo, kExhausted of the commit). All work runs in the order of submission.
  std::future<Result<void>> Submit(Work work);
  /// Submit and wait.
  Result<void> Commit(Work work);
  void SubmitThen(Work work, Done done, Urgency urgency = Urgency::kNow);
  /// Waits until everything submitted before is durable or failed.
  void Flush();
  /// For a Done callback: may it use the thread a little longer, since hardly anybody waits for it?
  [[nodiscard]] bool idle() const;

  [[nodiscard]] Counters counters() const;

 private:
  struct State;
  explicit Writer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace trellis::store
