// The daemon as the generator sees it: what it used, what it did, whether it has settled.
#pragma once

#include "tools/load/control.hpp"
#include "tools/load/driver.hpp"
#include "tools/load/report.hpp"

#include <trellis/result.hpp>

namespace trellis::load {

class Watcher {
 public:
  static Result<Watcher> Connect(std::filesystem::path const& socket);

  [[nodiscard]] Target const& target() const { return target_; }
  Result<Counters> Read() { return control_.Read(); }
  /// Generator, daemon and counters now.
  Result<Moment> Look();
  /// Runs the driver's event loop until `jobs` more jobs than `from` are done and none waits.
  /// kTimeout after five minutes.
  Result<void> WaitSettled(Driver& driver, Counters const& from, std::size_t jobs);
  /// Until the daemon does next to nothing.
  Result<void> WaitQuiet();

 private:
  Watcher(Control control, Target target)
      : control_(std::move(control)), target_(std::move(target)) {}

  Control control_;
  Target target_;
};

/// Jobs that the answered requests of the driver's last Run started.
[[nodiscard]] std::size_t JobsStarted(std::vector<Request> const& requests,
                                      std::vector<Fate> const& fates);

}  // namespace trellis::load
