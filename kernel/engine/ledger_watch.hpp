// Follows the ledger: cancelled contracts are removed, grace periods paused; a full comparison
// makes up for what was missed.
#pragma once

#include "kernel/engine/context.hpp"

#include <cstdint>
#include <set>
#include <thread>

namespace trellis::engine {

class Engine;

/// One thread, `ledger`. The cursor is stored after what an event asks for was queued.
class LedgerWatch {
 public:
  LedgerWatch(Context const& context, Engine& engine) : context_(context), engine_(engine) {}
  ~LedgerWatch();
  LedgerWatch(LedgerWatch const&) = delete;
  LedgerWatch& operator=(LedgerWatch const&) = delete;

  void Start();

 private:
  void Loop(std::stop_token const& stop);
  Result<void> Follow();
  Result<void> Handle(ledger::Event const& event);
  Result<void> Sync();
  Result<void> StoreCursor();

  Context const& context_;
  Engine& engine_;
  std::uint64_t cursor_ = 0;  // watch thread only
  std::set<std::uint64_t>
      suspected_;  // removals a guarded sync wants to see twice (watch thread only)
  std::jthread thread_;
};

}  // namespace trellis::engine
