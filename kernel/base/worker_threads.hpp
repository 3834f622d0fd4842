// Threads on demand for whoever has a queue: at most so many, idle ones end, one woken at a time.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace trellis {

/// Beside the owner's mutex, which guards its queue too and is held during every call of the owner
/// and of `waiting` and `take`. The owner ends them before its queue goes.
class WorkerThreads {
 public:
  using Work = std::function<void()>;
  struct Source {
    std::function<std::size_t()> waiting;  ///< pieces in the queue
    std::function<Work()> take;            ///< the next one; called when something waits
  };

  /// Threads are named `<name>-N`.
  WorkerThreads(std::string name, std::size_t limit, std::mutex& mutex, Source source)
      : name_(std::move(name)), limit_(limit), mutex_(mutex), source_(std::move(source)) {}
  WorkerThreads(WorkerThreads const&) = delete;
  WorkerThreads& operator=(WorkerThreads const&) = delete;
  ~WorkerThreads() = default;

  /// Something was queued: sees to it that somebody takes it.
  void Engage();
  /// Runs what is queued and waits until the last thread has ended.
  void End(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] bool ending() const { return ending_; }

 private:
  void Start();
  void Run();
  void Wait(std::unique_lock<std::mutex>& lock);
  void Wake();

  std::string const name_;
  std::size_t const limit_;
  std::mutex& mutex_;
  Source source_;
  // A late wake may come when all this is gone.
  std::shared_ptr<std::condition_variable> changed_ = std::make_shared<std::condition_variable>();
  std::size_t threads_ = 0;  // alive
  std::size_t idle_ = 0;
  std::size_t started_ = 0;  // for names
  bool waking_ = false;      // an idle one was told and has not looked yet
  bool ending_ = false;
};

}  // namespace trellis
