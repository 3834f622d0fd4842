// Acceptance of documents: every check that needs no side effect, then one commit of document and
// job.
#pragma once

#include "kernel/engine/answer.hpp"
#include "kernel/engine/context.hpp"
#include "kernel/grid/upgrade.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::engine {

enum class AcceptMode : std::uint8_t { kDeploy, kUpdate };

/// Borrowed context; any thread.
class Acceptor {
 public:
  explicit Acceptor(Context const& context) : context_(context) {}

  /// `null`, or why the document is refused. An identical document again is a success.
  Answer Accept(std::uint32_t sender, std::string_view document, AcceptMode mode);
  tl::expected<Examination, Refusal> Examine(std::string_view document);

 private:
  /// A document that passed every check on itself.
  struct Checked {
    grid::Deployment deployment;
    std::string raw;
    std::string hash;  ///< hex
    grid::Validated validated;
    store::DeploymentKey key;
  };
  /// What acceptance changes, decided against the stored state.
  struct Acceptance {
    bool repeated = false;  ///< the same document was accepted before
    bool validated = false;
    bool paused = false;
    std::optional<store::DeploymentRow> before;
    std::vector<grid::UpgradeOp> ops;  ///< update
  };

  tl::expected<Checked, Refusal> Check(std::uint32_t sender, std::string_view document);
  tl::expected<void, Refusal> CheckSignatures(Checked const& checked);
  tl::expected<Acceptance, Refusal> CompareDeploy(Checked const& checked);
  tl::expected<Acceptance, Refusal> CompareUpdate(Checked const& checked);
  Result<void> CheckUpdatable(Checked const& checked, std::vector<grid::UpgradeOp> const& ops);
  tl::expected<void, Refusal> CompareLedger(Checked const& checked, Acceptance& acceptance);
  tl::expected<void, Refusal> CheckLimits(Checked const& checked, bool deploy);
  Answer Store(Checked const& checked, Acceptance const& acceptance);
  Result<void> Write(store::Database& db, Checked const& checked, Acceptance const& acceptance,
                     store::JobRow& job);
  Result<void> WriteAdded(store::Database& db, Checked const& checked, std::size_t index,
                          bool create);

  Context const& context_;
};

}  // namespace trellis::engine
