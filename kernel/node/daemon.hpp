// What trellisd runs: the whole node, or what is left of it while its store cannot be used.
#pragma once

#include "kernel/node/config.hpp"
#include "kernel/node/key_file.hpp"
#include "kernel/store/database.hpp"
#include "kernel/sys/files.hpp"

#include <trellis/result.hpp>

#include <functional>
#include <memory>

namespace trellis::node {

/// Destroying it stops the daemon's work; workloads go on.
class Daemon {
 public:
  Daemon() = default;
  virtual ~Daemon() = default;
  Daemon(Daemon const&) = delete;
  Daemon& operator=(Daemon const&) = delete;

  /// Called when a client asks for a shutdown over the control socket; any thread.
  virtual void OnShutdown(std::function<void()> handler) = 0;
  /// Starts what is due; to be called every half minute or so. Never blocks.
  virtual void Tick() = 0;
  /// It asked for its own shutdown: only a new process helps.
  [[nodiscard]] virtual bool exhausted() const { return false; }
};

/// What every kind of daemon begins with.
struct Ground {
  NodeConfig config;
  NodeKey key;
  sys::LockFile lock;  ///< no second daemon uses the same folder
};

/// Everything up to "ready". A store that cannot be used gives a degraded daemon: it answers, says
/// what is wrong, and touches nothing. Other errors say what to do.
Result<std::unique_ptr<Daemon>> OpenDaemon(NodeConfig config);

/// The way out of a damaged store, for the log and for those who ask.
[[nodiscard]] std::string ExplainBrokenStore(NodeConfig const& config, std::string_view trouble);

}  // namespace trellis::node
