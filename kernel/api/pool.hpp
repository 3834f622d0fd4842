// Threads on demand for request handlers: at most `limit`, idle ones end, a bounded queue in front.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace trellis::api {

/// Safe for use by several threads.
class Pool {
 public:
  /// Threads are named `<name>-N`.
  Pool(std::string name, std::size_t limit, std::size_t queue_limit)
      : name_(std::move(name)), limit_(limit), queue_limit_(queue_limit) {}
  /// Runs what is queued, then joins.
  ~Pool();
  Pool(Pool const&) = delete;
  Pool& operator=(Pool const&) = delete;

  /// False when the queue is full or the pool is closing.
  [[nodiscard]] bool Post(std::function<void()> work);

 private:
  void Run();

  std::string name_;
  std::size_t limit_;
  std::size_t queue_limit_;
  std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  std::size_t threads_ = 0;  // alive
  std::size_t idle_ = 0;
  std::size_t started_ = 0;  // for names
  bool closing_ = false;
};

}  // namespace trellis::api
