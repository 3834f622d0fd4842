// Follows the ledger for changed twins, where no engine does.
#pragma once

#include "kernel/ledger/ledger.hpp"

#include <cstdint>
#include <functional>
#include <thread>

namespace trellis::node {

/// One thread, `ledger`.
class TwinWatch {
 public:
  /// `changed` hears of every twin that changed from now on (0: any may have), on the watch's
  /// thread. The ledger is borrowed; its waits are interrupted at the end.
  TwinWatch(ledger::Ledger& ledger, std::function<void(std::uint32_t)> changed);
  ~TwinWatch();
  TwinWatch(TwinWatch const&) = delete;
  TwinWatch& operator=(TwinWatch const&) = delete;

 private:
  void Loop(std::stop_token const& stop);
  Result<void> Follow();

  ledger::Ledger& ledger_;
  std::function<void(std::uint32_t)> changed_;
  std::uint64_t cursor_ = 0;
  bool started_ = false;  // cursor_ was read
  std::jthread thread_;
};

}  // namespace trellis::node
