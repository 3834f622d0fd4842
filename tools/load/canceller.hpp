// Cancels contracts on the ledger beside the event loop: a write there waits for the disk.
#pragma once

#include "tools/load/registry.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace trellis::load {

/// One thread that cancels what waits in one go.
class Canceller {
 public:
  Canceller(Registry& registry, std::vector<Twin> const& twins);

  /// `done` on the canceller's thread when the ledger has it. After a failure nothing is called any
  /// more and `failure` says why.
  void Cancel(std::size_t owner, std::uint64_t contract, std::function<void()> done);
  [[nodiscard]] Result<void> failure();

 private:
  void Loop(std::stop_token const& stop);

  Registry& registry_;
  std::vector<Twin> const& twins_;
  std::mutex mutex_;  // guards the three below
  std::vector<Stored> waiting_;
  std::vector<std::function<void()>> callbacks_;
  Result<void> failure_;
  std::condition_variable_any ready_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace trellis::load
