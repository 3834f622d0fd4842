// What a running job knows.
#pragma once

#include "kernel/engine/context.hpp"
#include "kernel/engine/plan.hpp"
#include "kernel/grid/deployment.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace trellis::engine {

/// Tries of a pause or resume before it is left to the pace of ledger syncs.
inline constexpr std::uint32_t kPauseTries = 3;

/// Why a workload that an update left out is gone.
inline constexpr std::string_view kDeletedByUpdate = "deleted by an update";

/// What acceptance found out about a document. For a new deployment also everything that was
/// stored, so that its first job reads nothing.
struct Prepared {
  grid::Deployment target;
  std::vector<grid::Examined> examined;
  bool created = false;  ///< the members below are set
  store::JobRow job;
  store::DeploymentHead head;
  std::vector<store::WorkloadRow> rows;
};

/// The deployment's rows as stored, or handed to the store. Only its one running job changes them.
struct JobState {
  store::JobRow job;
  store::DeploymentHead deployment;
  std::map<std::string, store::WorkloadRow, std::less<>> rows;
  std::vector<store::StepRow> steps;  ///< at the begin of this run
  /// The journal as it is stored, or will be with the work that is just written. Writer's thread
  /// only, once the run began.
  std::vector<store::StepRow> journal;
  std::shared_ptr<Prepared> prepared;  ///< apply: its document, if acceptance left it
  store::HistoryLimits history{};
  bool fresh = false;            ///< the history holds nothing but `init` of this version yet
  bool weightless = false;       ///< new, and nothing of it reserves anything
  std::int64_t okay = 0;         ///< workloads ok or paused at the begin of this run
  std::int64_t okay_newest = 0;  ///< when the latest became so

  [[nodiscard]] bool paused() const { return deployment.desired == store::Desired::kPaused; }
  [[nodiscard]] store::WorkloadRow const* Find(std::string_view name) const {
    auto const found = rows.find(name);
    return found == rows.end() ? nullptr : &found->second;
  }
  /// Puts a step into the journal, in the place of what it said of the step before.
  void Note(store::StepRow const& step);
  /// In document order.
  [[nodiscard]] std::vector<store::WorkloadRow> List() const;
  /// Now, but never before anything that the deployment's history shows.
  [[nodiscard]] std::int64_t ChangeTime(Clock const& clock) const;
};

/// What one step came to.
struct Outcome {
  enum class Kind : std::uint8_t {
    kStored,       ///< `row` is the workload's row now
    kEntry,        ///< only the history tells: `row` as it should have become
    kErased,       ///< the workload is gone; `row` is its last entry
    kAgain,        ///< nothing to tell yet: the step is repeated after `delay`
    kInterrupted,  ///< the job was asked to stop: the intent stays
    kWedged,       ///< the plugin did not come back
  };
  Kind kind = Kind::kStored;
  store::WorkloadRow row{};
  bool visible = true;                    ///< adds a history entry
  bool done = true;                       ///< false: the step has to be tried again
  bool crashed = false;                   ///< the plugin's process died
  std::string failure{};                  ///< why the job has to come again
  std::chrono::seconds delay{0};          ///< kAgain
  std::optional<store::JobRow> follow{};  ///< what is queued with the result
};

/// How a job's run ended.
struct JobEnd {
  enum class Kind : std::uint8_t {
    kFinished,
    kParked,  ///< comes again after `delay`
    kGone,    ///< removed with its deployment meanwhile: nothing is stored
  };
  Kind kind = Kind::kFinished;
  std::chrono::milliseconds delay{0};
  bool counts = true;                  ///< kParked: it failed, it does not only wait
  bool durable = true;                 ///< kParked: the journal knows
  std::string error;                   ///< why it is parked
  bool erase = false;                  ///< kFinished: the deployment's record goes with it
  std::optional<std::string> message;  ///< the deployment's, if it changes
  std::optional<std::string> doc;      ///< the same for its document, unless a newer one came
  std::vector<Outcome> outcomes;       ///< stored with the end
};

/// What a job may touch of its deployment.
struct Reach {
  std::vector<std::pair<std::string, std::string>> workloads;  ///< name and type
  std::vector<std::string> shared;                             ///< names of its own sharables
  std::vector<std::string> uses;                               ///< sharables it refers to
};
Result<Reach> ReachOf(store::Database& db, store::DeploymentKey key);
/// The ticket of a stored job.
[[nodiscard]] Ticket MakeTicket(store::JobRow const& job, TypeMap const& types, Reach reach,
                                Clock const& clock);

/// first, 2*first, 4*first … at most `limit` seconds.
[[nodiscard]] std::chrono::seconds Backoff(std::uint32_t fails, std::int64_t first,
                                           std::int64_t limit);

}  // namespace trellis::engine
