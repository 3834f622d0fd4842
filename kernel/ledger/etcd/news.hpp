// Tells when there are new events: by a watch on the head, and by looking now and then.
#pragma once

#include "kernel/ledger/etcd/gateway.hpp"
#include "kernel/ledger/etcd/keys.hpp"

#include <trellis/result.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

namespace trellis::ledger::etcd {

/// Safe for use by several threads. Runs a thread `ledger-news` from the first Wait on.
class News {
 public:
  /// Both are borrowed.
  News(Gateway& gateway, Keys const& keys) : gateway_(gateway), keys_(keys) {}
  /// No Wait may be running.
  ~News();
  News(News const&) = delete;
  News& operator=(News const&) = delete;

  /// True when there is an event after `cursor`. An error only when the time is up.
  Result<bool> Wait(std::uint64_t cursor, std::chrono::milliseconds timeout);
  /// There are events up to `seq`.
  void Tell(std::uint64_t seq);
  /// Ends all Waits, running and to come.
  void Interrupt();

 private:
  void Start();
  void Loop();
  /// Follows one watch to its end. False: the member it went to is better avoided.
  bool Follow(Connection& watch);
  Result<void> Look();

  Gateway& gateway_;
  Keys const& keys_;
  std::int64_t from_ = 0;  // of the thread: the revision that a new watch begins with; 0 = now
  std::mutex mutex_;       // guards all below
  std::condition_variable changed_;
  std::uint64_t newest_ = 0;
  bool interrupted_ = false;
  bool stopping_ = false;
  Connection* watch_ = nullptr;  // the thread's
  std::thread thread_;
};

}  // namespace trellis::ledger::etcd
