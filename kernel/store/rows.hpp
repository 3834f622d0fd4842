// Rows of the node's store. Times are unix seconds.
#pragma once

#include "kernel/base/shared_text.hpp"

#include <trellis/capacity.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace trellis::store {

struct DeploymentKey {
  std::uint32_t twin = 0;
  std::uint64_t contract = 0;
  // clang-tidy 14 takes the zero that the result is compared with for a pointer.
  // NOLINTNEXTLINE(modernize-use-nullptr)
  auto operator<=>(DeploymentKey const&) const = default;
};

enum class Desired : std::uint8_t { kPresent, kPaused, kAbsent };

/// A deployment without its texts.
struct DeploymentHead {
  DeploymentKey key;
  std::uint32_t version = 0;
  std::string hash;  ///< hex of the challenge hash of the document
  Desired desired = Desired::kPresent;
  bool validated = false;  ///< compared with its contract
  std::int64_t created = 0;
  std::int64_t updated = 0;
  std::string message;  ///< last job-level failure

  bool operator==(DeploymentHead const&) const = default;
};

struct DeploymentRow : DeploymentHead {
  std::string header;  ///< as accepted: the JSON members of the deployment but its workloads
  std::string doc;     ///< last accepted document, refused updates have their old entry back; ""
                       ///< before the first update, see ReadDocument
};

struct WorkloadRow {
  DeploymentKey key;
  std::string name;
  std::string type;
  std::uint32_t pos = 0;    ///< document order
  std::int64_t weight = 0;  ///< larger first among the same type
  std::uint32_t version = 0;
  SharedText data;  ///< raw JSON, as shown
  std::string description;
  std::string metadata;
  std::string state;    ///< wire value: init, ok, error, deleted, paused
  std::string message;  ///< of the state
  std::int64_t created = 0;
  SharedText result;                         ///< result JSON, "" = null
  std::optional<std::uint32_t> eff_version;  ///< empty = never applied
  SharedText eff_data;                       ///< configuration really applied
  std::string handle;
  std::uint32_t handle_schema = 0;
  /// A plugin may hold something: first intent .. successful deprovision. In the store from the
  /// first result on; until then a journal says it, see ListHeld.
  bool owned = false;
  std::uint32_t fails = 0;
  std::int64_t next_try = 0;

  [[nodiscard]] std::string id() const {
    return fmt::format("{}-{}-{}", key.twin, key.contract, name);
  }
  [[nodiscard]] bool IsOkay() const { return state == "ok" || state == "paused"; }
};

/// The numbers are stored: never renumber.
enum class JobKind : std::uint8_t {
  kApply = 1,
  kRemove = 2,
  kPause = 3,
  kResume = 4,
  kRestore = 5,
  kRepair = 6,
  kFail = 7
};
[[nodiscard]] std::string_view ToText(JobKind kind);

struct JobRow {
  std::int64_t id = 0;
  DeploymentKey key;
  JobKind kind = JobKind::kApply;
  std::uint32_t version = 0;
  std::string doc;     ///< apply: the accepted document; "" = the one of the deployment's row
  std::string target;  ///< repair, fail, removal of one: name of the workload
  std::string reason;
  std::uint32_t attempts = 0;
  std::uint32_t crashes = 0;  ///< of the daemon while it was at this job, but at none of its steps
  std::int64_t not_before = 0;
  std::int64_t created = 0;
  std::int64_t started = 0;  ///< daemon start that began it, noted after a crash only
  std::string error;         ///< why it is parked
};

/// The numbers are stored: never renumber.
enum class StepState : std::uint8_t {
  kIntent = 1,  ///< may be under way
  kDone = 2,
  kQuarantined = 3,  ///< crashed too often: tried once an hour
  kWaiting = 4       ///< came back without success and is tried again later
};

/// An entry of a job's journal.
struct StepRow {
  std::string name;
  std::uint8_t op = 0;  ///< plugin::Op
  std::uint32_t idx = 0;
  StepState state = StepState::kIntent;
  std::uint32_t crashes = 0;    ///< of the daemon, or of the plugin, during this step
  std::int64_t generation = 0;  ///< daemon start that wrote the intent
  std::uint32_t tries = 0;      ///< that failed and were repeated
  bool holds = false;           ///< from its intent on a plugin may hold something for the workload

  bool operator==(StepRow const&) const = default;
  [[nodiscard]] bool IsOpen() const { return state != StepState::kDone; }
};

/// How many entries of the history are kept at most.
struct HistoryLimits {
  std::int64_t deployment = 512;
  std::int64_t workload = 64;
};

/// What is known of all deployments without looking at them.
struct Totals {
  std::int64_t deployments = 0;
  std::int64_t okay_deployments = 0;  ///< with at least one workload ok or paused
  std::int64_t okay_workloads = 0;
  std::int64_t newest = 0;  ///< latest change of such a workload
  Capacity reserved;
};

struct DeploymentCounts {
  std::int64_t twin = 0;
  std::int64_t all = 0;
};

}  // namespace trellis::store
