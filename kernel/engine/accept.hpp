// Acceptance of documents: every check that needs no side effect, then one commit of document and
// job.
#pragma once

#include "kernel/engine/answer.hpp"
#include "kernel/engine/context.hpp"
#include "kernel/engine/job_state.hpp"
#include "kernel/grid/upgrade.hpp"
#include "kernel/grid/validate.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::store {
class WorkloadSet;
}

namespace trellis::engine {

enum class AcceptMode : std::uint8_t { kDeploy, kUpdate };

/// Borrowed context; any thread.
class Acceptor {
 public:
  explicit Acceptor(Context const& context) : context_(context) {}

  /// `null`, or why the document is refused. An identical document again is a success. What comes
  /// after the commit, `done` too, runs through `resume`, or on the writer's thread when nobody
  /// else waits for it; a refusal before it is told at once.
  void Accept(std::uint32_t sender, std::string_view document, AcceptMode mode, Resume resume,
              AnswerCallback done);
  /// The same; waits.
  Answer Accept(std::uint32_t sender, std::string_view document, AcceptMode mode);
  tl::expected<Examination, Refusal> Examine(std::string_view document);

 private:
  /// A document that passed every check on itself.
  struct Checked {
    std::shared_ptr<Prepared> prepared;
    std::string raw;
    grid::ChallengeDigest digest{};
    std::string hash;  ///< its hex
    store::DeploymentKey key;

    [[nodiscard]] grid::Deployment const& deployment() const { return prepared->target; }
  };
  /// What acceptance changes, decided against the stored state.
  struct Acceptance {
    bool create = false;
    bool repeated = false;  ///< the same document was accepted before
    bool validated = false;
    bool paused = false;
    std::optional<store::DeploymentRow> before;  ///< update
    std::string document;                        ///< update: the last one accepted
    std::vector<grid::UpgradeOp> ops;            ///< update
  };

  /// An acceptance on its way, shared by its steps.
  struct Case {
    Checked checked;
    AcceptMode mode = AcceptMode::kDeploy;
    Resume resume;
    AnswerCallback done;
    int tries = 0;
  };
  using CasePtr = std::shared_ptr<Case>;

  tl::expected<Checked, Refusal> Check(std::uint32_t sender, std::string_view document);
  tl::expected<void, Refusal> CheckSignatures(Checked const& checked);
  void Try(CasePtr const& item);
  tl::expected<Acceptance, Refusal> CompareDeploy(Checked const& checked);
  tl::expected<Acceptance, Refusal> CompareUpdate(Checked const& checked);
  Result<void> CheckUpdatable(Checked const& checked, std::vector<grid::UpgradeOp> const& ops);
  tl::expected<void, Refusal> CompareLedger(Checked const& checked, Acceptance& acceptance);

  // The commit, in accept_store.cpp.

  /// What is written, made before the writer's turn.
  struct Draft {
    store::DeploymentRow row;
    store::JobRow job;
    bool create = false;
  };
  void Store(CasePtr const& item, Acceptance acceptance);
  void Finish(CasePtr const& item, Result<void> const& stored);
  Draft Prepare(Checked const& checked, Acceptance const& acceptance);
  Result<void> Write(store::Database& db, Checked const& checked, Acceptance const& acceptance,
                     Draft& draft);
  Result<void> WriteWorkload(store::Database& db, Checked const& checked, std::size_t index,
                             Draft const& draft, store::WorkloadSet& workloads);
  [[nodiscard]] store::DeploymentRow RowOf(Checked const& checked, Acceptance const& acceptance);
  static void PrepareRows(Checked const& checked, Draft& draft);
  [[nodiscard]] Ticket TicketOf(Checked const& checked, Acceptance const& acceptance);

  Context const& context_;  // outlives what is on its way
};

[[nodiscard]] tl::unexpected<Refusal> Refused(int code, std::string message,
                                              std::string reason = {});

}  // namespace trellis::engine
