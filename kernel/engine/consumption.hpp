// Traffic of workloads: read from plugins, added up in the store, reported in windows.
#pragma once

#include "kernel/engine/context.hpp"

#include <cstdint>

namespace trellis::engine {

/// One thread at a time.
class Consumption {
 public:
  explicit Consumption(Context const& context) : context_(context) {}

  /// Adds what plugins count (`consumption` providers) to the stored counters.
  Result<void> Sample();
  /// When the window is an hour old: one outbox row for each contract with traffic, the counters
  /// back to 0 and the end of the window, all in one commit. A window that was not closed goes on.
  Result<void> CloseWindow();

 private:
  Context const& context_;
};

}  // namespace trellis::engine
