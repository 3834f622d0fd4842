// Tells the ledger what it is to know: what contracts use, their traffic, that the node is up.
#pragma once

#include "kernel/base/clock_condition.hpp"
#include "kernel/engine/consumption.hpp"
#include "kernel/engine/context.hpp"
#include "kernel/store/outbox.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace trellis::engine {

/// One thread, `outbox`. The engine never waits for it: rows are stored by those who cause them,
/// and stay until the ledger has taken them.
class Outbox {
 public:
  explicit Outbox(Context const& context);
  ~Outbox();
  Outbox(Outbox const&) = delete;
  Outbox& operator=(Outbox const&) = delete;

  void Start();
  /// What the thread does again and again; tests call it without a thread. When it wants to be
  /// called again, of the clock.
  std::int64_t RunDue();

  struct Counters {
    std::uint64_t sent = 0;    ///< rows the ledger took
    std::uint64_t failed = 0;  ///< calls it did not take
  };
  [[nodiscard]] Counters counters() const { return {sent_, failed_}; }

 private:
  using Rows = std::vector<store::OutboxRow>;

  void Loop();
  void Chores(std::int64_t now_ns);
  /// Sends until nothing is due, or the ledger is away. False: away.
  bool SendDue();
  bool Send(Rows const& rows);
  /// Rows of one kind in one call of the ledger.
  Result<void> Submit(Rows const& rows);
  Result<void> SubmitResources(Rows const& rows);
  Result<void> SubmitNru(Rows const& rows);
  Result<void> SubmitUptime();
  bool Forget(Rows const& rows);
  bool Delay(store::OutboxRow row);
  /// The store does not work: pauses. Always false.
  bool Trouble(Error const& error);

  Context const& context_;
  Consumption consumption_;
  std::atomic<std::uint64_t> sent_{0};
  std::atomic<std::uint64_t> failed_{0};
  // Of the thread:
  std::int64_t next_uptime_ns_ = 0;
  std::int64_t next_sample_ns_ = 0;
  std::uint32_t away_ = 0;      // calls in a row that did not reach the ledger
  std::int64_t resume_ns_ = 0;  // not to be called before, while it is away
  std::mutex mutex_;            // guards the two below
  bool news_ = true;
  bool stopping_ = false;
  ClockCondition changed_;
  std::uint64_t subscription_ = 0;
  std::jthread thread_;
};

}  // namespace trellis::engine
