// What all parts of the engine share: configuration and borrowed collaborators.
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/engine/events.hpp"
#include "kernel/engine/meters.hpp"
#include "kernel/engine/scheduler.hpp"
#include "kernel/engine/type_table.hpp"
#include "kernel/ledger/ledger.hpp"
#include "kernel/plugin/types.hpp"
#include "kernel/store/readers.hpp"
#include "kernel/store/records.hpp"
#include "kernel/store/writer.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace trellis::engine {

class CapacityMeter;
class Signers;

struct EngineOptions {
  std::uint32_t node_id = 0;
  std::uint32_t node_twin = 0;    ///< who reports to the ledger
  std::string node_facts = "{}";  ///< what plugins know of the node, but its public configuration
  std::size_t workers = 4;
  std::size_t max_wedged = 4;  ///< operations that never came back before the engine gives up
  std::size_t queue_deployment = 16;
  std::size_t queue_twin = 64;
  std::size_t queue_total = 4096;
  std::int64_t limit_twin = 1000;
  std::int64_t limit_node = 10000;
  std::uint32_t cpu_overcommit = 4;
  std::int64_t inspect_interval_s = 60;
  std::int64_t sync_interval_s = 3600;
  store::HistoryLimits history{};
  std::int64_t restore_max_s = 1800;
  std::int64_t remove_max_s = 300;
  std::uint32_t crash_limit = 3;
  std::int64_t drain_timeout_s = 20;
  std::uint64_t reserve_memory = 0;  ///< bytes kept for the system; 0 = max(10 %, 2 GiB)
  std::string boot_id_path = "/proc/sys/kernel/random/boot_id";
  bool strong_ledger = true;  ///< a mismatching contract is refused at once
};

/// Borrowed; all outlive the engine.
struct Context {
  EngineOptions const& options;
  store::Writer& writer;
  store::Readers& readers;
  plugin::Plugins& plugins;
  ledger::Ledger& ledger;
  Clock& clock;
  EventBus& events;
  Scheduler& scheduler;
  TypeTable const& types;
  Meters& meters;
  CapacityMeter& capacity;
  Signers& signers;
  std::int64_t generation = 0;  ///< number of this daemon start
  bool after_crash = false;     ///< the daemon before this one died
  /// Called when a plugin did not give a worker back.
  std::function<void(Worker&)> replace_worker{};
  /// Called after an operation was given up for good; may be empty.
  std::function<void()> wedged{};
};

}  // namespace trellis::engine
