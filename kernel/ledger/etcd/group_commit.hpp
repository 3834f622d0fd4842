// Takes writes that wait and commits as many as fit in one etcd transaction.
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/ledger/etcd/keys.hpp"
#include "kernel/ledger/etcd/kv_state.hpp"
#include "kernel/ledger/etcd/options.hpp"
#include "kernel/ledger/etcd/view.hpp"
#include "kernel/ledger/rules/write.hpp"

#include <trellis/result.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace trellis::ledger::etcd {

using Outcome = Result<rules::Ids>;

/// One write that waits.
struct Item {
  using Work = std::function<Outcome(View&, rules::Write&)>;
  Caller caller{};
  Work work{};
  std::function<void(Outcome)> done{};
  std::chrono::steady_clock::time_point deadline{};
};

/// What the writer keeps between groups. Used by its thread alone.
struct WriterState {
  Gateway& gateway;
  Keys const& keys;
  EtcdOptions const& options;
  Clock const& clock;
  /// Waits; false when the writer stops.
  std::function<bool(std::chrono::milliseconds)> pause;
  std::string instance{};  ///< names this writer among all
  Known known{};
  bool fresh = false;  ///< `known` is worth a try
  std::int64_t lease = 0;
  std::chrono::steady_clock::time_point lease_time{};
  std::uint64_t group = 0;
};

/// One group through all its attempts. An attempt reads what it needs, applies the writes to a view
/// and commits the view's changes if the head is still the one that was read; else it starts again.
/// An attempt without answer may be carried out later: each leaves a mark in the writer's own key,
/// by which the next attempt sees that nothing is left to do.
class GroupCommit {
 public:
  /// Works on the first items of `queue`, as many as fit; both are borrowed.
  GroupCommit(WriterState& state, std::deque<Item>& queue);
  /// Removes the items it has settled (at least one) and tells their outcome.
  void Run();

 private:
  using Outcomes = std::vector<Outcome>;
  enum class Next { kDone, kAgain };

  Next Attempt();
  /// Learns head and values anew. True: an earlier attempt was carried out; all is settled.
  Result<bool> Reload();
  Result<void> RenewLease();
  Outcomes Apply(View& view);
  Next Verify(Outcomes const& outcomes);
  Next Commit(View const& view, Outcomes outcomes);
  Next OnRefusal(Error const& error);
  Next OnSilence(Error error);
  Next OnConflict();
  bool SettleByMark(Found const& writer);
  void Settle(Outcomes const& outcomes);
  void FailAll(Error const& error);
  [[nodiscard]] std::vector<Range> Questions() const;
  Result<bool> Learn(Snapshot const& snapshot);

  WriterState& state_;
  std::deque<Item>& queue_;
  std::chrono::steady_clock::time_point deadline_;
  std::size_t limit_;  // of items
  std::uint64_t attempt_ = 0;
  unsigned conflicts_ = 0;
  std::map<std::string, Outcomes> marked_;  // mark of an attempt -> what its success means
  bool maybe_done_ = false;                 // an attempt got no answer
  std::vector<std::string> asked_;          // keys that the last attempt read
};

}  // namespace trellis::ledger::etcd
