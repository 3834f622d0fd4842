// The daemon's side of the keeper, the small process that owns data processes and outlives the
// daemon.
#pragma once

#include "kernel/sys/fd.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace trellis::plugin {

struct SupervisorOptions {
  std::string keeper;     ///< path of the trellis-keeper binary
  std::string run_dir;    ///< of the node; the socket is keeper.sock below it
  std::string state_dir;  ///< of the node; logs go to log/<plugin>/<name>.log below it
};

/// Connects when first needed, starts the keeper if there is none, and connects again when it was
/// restarted. One keeper per run_dir. Thread-safe.
class Supervisor {
 public:
  /// `topic` is process.exited or process.started, `name` without the plugin, `payload` JSON
  /// {name,pid,status}. Called on the supervisor's own thread.
  using OnEvent = std::function<void(std::string const& plugin, std::string_view topic,
                                     std::string const& payload)>;

  Supervisor(SupervisorOptions options, OnEvent on_event);
  ~Supervisor();
  Supervisor(Supervisor const&) = delete;
  Supervisor& operator=(Supervisor const&) = delete;

  // The three functions of trellis.process/1. kUnavailable when the keeper cannot be reached,
  // kTimeout at `deadline_ns` (CLOCK_MONOTONIC).
  Result<std::string> Ensure(std::string_view plugin, std::string_view name, std::string_view spec,
                             std::span<int const> fds, std::int64_t deadline_ns);
  Result<void> Stop(std::string_view plugin, std::string_view name, std::int64_t deadline_ns);
  /// JSON array; `name` without the plugin.
  Result<std::string> List(std::string_view plugin, std::string_view prefix,
                           std::int64_t deadline_ns);
  /// Connects to a keeper that is running already, so that its events arrive. OK when there is
  /// none.
  Result<void> Attach();
  /// Stops every data process and ends the keeper. OK when there is none.
  Result<void> Quit(std::int64_t deadline_ns);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace trellis::plugin
