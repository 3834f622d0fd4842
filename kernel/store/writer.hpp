// The one writer of a database: commits whatever waits in one transaction (group commit, no timer).
#pragma once

#include "kernel/store/database.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <functional>
#include <future>
#include <memory>

namespace trellis::store {

/// Owns the write connection and the thread `store`. Safe for use by several threads.
class Writer {
 public:
  /// Work done inside a transaction on the writer's thread. An error rolls this work alone back
  /// (savepoint).
  using Work = std::function<Result<void>(Database&)>;

  /// Takes the connection and starts the thread. `thread_name` <= 15 characters.
  static std::unique_ptr<Writer> Start(std::unique_ptr<Database> database,
                                       std::string_view thread_name);
  /// Commits what waits, then stops the thread.
  ~Writer();
  Writer(Writer const&) = delete;
  Writer& operator=(Writer const&) = delete;

  /// Queues `work`; the future is ready when its transaction is durable (or failed: work's own
  /// error, or kIo, kExhausted of the commit). Work of one thread runs in the order of submission.
  std::future<Result<void>> Submit(Work work);
  /// Submit and wait.
  Result<void> Commit(Work work);
  /// What the writer did so far. Any thread.
  struct Counters {
    std::uint64_t commits = 0;  ///< transactions made durable: one sync each
    std::uint64_t works = 0;    ///< what they contained
    std::uint64_t pages = 0;    ///< database pages written to the log
  };
  [[nodiscard]] Counters counters() const;
  /// Calls `done` on the writer's thread when the work is durable or failed; `done` must be quick.
  void SubmitThen(Work work, std::function<void(Result<void>)> done);

 private:
  struct State;
  explicit Writer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace trellis::store
