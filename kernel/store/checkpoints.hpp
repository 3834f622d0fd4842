// Bringing the log into the database file beside the thread that writes.
#pragma once

#include "kernel/base/worker_threads.hpp"
#include "kernel/store/database.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace trellis::store {

/// While a log is written to it cannot be started anew, so a thread copies what is there and makes
/// it durable, and the writer copies the little that came meanwhile. Belongs to the writer's
/// thread.
class Checkpoints {
 public:
  /// `database` is the writer's. The thread, which is there only now and then, is named
  /// `<name>-log-N`.
  /// When the file cannot be made durable, nothing is copied any more, since the log has what the
  /// file may have lost, and the file is reported damaged.
  Checkpoints(Database& database, std::string const& name);
  ~Checkpoints();
  Checkpoints(Checkpoints const&) = delete;
  Checkpoints& operator=(Checkpoints const&) = delete;

  /// After a commit. `alone`: hardly anybody waits for the writer, so that it may copy itself; a
  /// thread beside it would take the processor from whoever is waited for.
  void Look(bool alone);

 private:
  enum class State : std::uint8_t { kIdle, kCopying, kCopied, kBroken };
  void CopyRest();
  void Copy();
  Result<void> CopyBeside();
  void Tell(Result<void> const& done);

  Database& database_;
  std::atomic<State> state_{State::kIdle};
  std::atomic<bool> failing_{false};
  std::mutex copying_;             // held by the thread while it copies
  std::unique_ptr<Database> own_;  // the thread's
  std::mutex mutex_;               // guards the rest
  bool wanted_ = false;
  WorkerThreads thread_;
};

}  // namespace trellis::store
