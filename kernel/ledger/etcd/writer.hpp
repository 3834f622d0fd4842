// The one writer of this process to an etcd ledger.
#pragma once

#include "kernel/ledger/etcd/group_commit.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace trellis::ledger::etcd {

/// Runs a thread `ledger-write`. Safe for use by several threads.
class Writer {
 public:
  /// All is borrowed. `written`: called on the writer's thread after a group, quick.
  Writer(Gateway& gateway, Keys const& keys, EtcdOptions const& options, Clock const& clock,
         std::function<void(HeadRecord const&)> written);
  /// Settles what waits; while etcd is away that means refusing it.
  ~Writer();
  Writer(Writer const&) = delete;
  Writer& operator=(Writer const&) = delete;

  /// Durable on a majority of the members when it returns. kUnavailable: nobody answered in time;
  /// the text tells whether the write may have been done.
  Outcome Write(Caller const& caller, Item::Work work);

 private:
  void Loop();
  bool Pause(std::chrono::milliseconds time);
  void AddPruning(std::deque<Item>& group);

  EtcdOptions const& options_;
  Clock const& clock_;
  std::function<void(HeadRecord const&)> written_;
  WriterState state_;              // of the thread
  std::int64_t next_pruning_ = 0;  // of the thread
  std::mutex mutex_;               // guards queue_ and stopping_
  std::condition_variable changed_;
  std::deque<Item> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace trellis::ledger::etcd
