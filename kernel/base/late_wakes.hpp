// Waking other threads once for many pieces of work.
#pragma once

#include <functional>
#include <vector>

namespace trellis {

/// While one lives, its thread puts off waking others until it ends: who hands over many pieces of
/// work would else lose the processor to the taker of each. They do not nest.
class LateWakes {
 public:
  LateWakes();
  ~LateWakes();
  LateWakes(LateWakes const&) = delete;
  LateWakes& operator=(LateWakes const&) = delete;

  /// Calls `wake` when this thread's LateWakes ends; at once when there is none. What it uses must
  /// be there until then.
  static void Wake(std::function<void()> wake);

 private:
  std::vector<std::function<void()>> wakes_;
};

}  // namespace trellis
