// All requests of a run, built and signed before the clock starts.
#pragma once

#include "tools/load/options.hpp"
#include "tools/load/registry.hpp"
#include "tools/load/twin.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::load {

struct Request {
  Kind kind = Kind::kDeploy;
  std::size_t session = 0;     ///< the connection that sends it; connection i is twin i
  std::uint64_t contract = 0;  ///< 0: about no deployment
  double due_us = 0;           ///< open loops: after the start
  std::string bytes;           ///< empty: a delete
};

/// `<run>-<index>`; the answer repeats it.
[[nodiscard]] std::string MakeUid(std::string_view run, std::size_t index);
/// The index, or SIZE_MAX for a uid that is not of this run.
[[nodiscard]] std::size_t IndexOf(std::string_view uid, std::string_view run);

/// Where requests get what they are about. Not thread-safe.
class Workbook {
 public:
  /// `registry` may be null: then contracts are numbers nobody knows (for an echo server).
  Workbook(Options const& options, std::vector<Twin> const& twins, std::uint32_t node_twin,
           Registry* registry, std::string run);

  /// `count` signed deploys with new contracts; remembered for later updates, deletes and gets.
  Result<std::vector<Request>> Deploys(std::size_t count);
  /// The timed requests: by the mix, or the given kinds. Deploys made before serve as targets;
  /// where there are none, contracts that the ledger has.
  Result<std::vector<Request>> Mixed(std::vector<Kind> const& kinds);
  /// The update of the first deployment to its next version, whose hash is on the ledger.
  Result<std::vector<Request>> NextVersion();
  /// A `get` of each of these (session, contract).
  [[nodiscard]] std::vector<Request> Gets(
      std::vector<std::pair<std::size_t, std::uint64_t>> const& deployments);
  /// What the uids of the last batch of requests begin with.
  [[nodiscard]] std::string const& run() const { return batch_; }

 private:
  void StartBatch();
  [[nodiscard]] Request Ask(Kind kind, std::size_t session, std::uint64_t contract);
  Result<std::vector<Stored>> NewContracts(std::size_t count);
  Request Sign(Kind kind, std::size_t session, std::uint64_t contract, std::string payload);
  Result<void> AddDeploys(std::vector<Kind> const& kinds, std::vector<Request>& out);
  Result<void> AddUpdates(std::vector<Kind> const& kinds, std::vector<Request>& out);
  Result<void> AddDeletes(std::vector<Kind> const& kinds, std::vector<Request>& out);
  Result<void> AddQuestions(std::vector<Kind> const& kinds, std::vector<Request>& out);

  Options const& options_;
  std::vector<Twin> const& twins_;
  std::uint32_t node_twin_;
  Registry* registry_;
  std::string run_;
  std::string batch_;
  std::size_t batches_ = 0;
  std::size_t next_uid_ = 0;
  std::size_t next_serial_ = 0;
  std::vector<Stored> stored_;  // deployed in this run; updates take from the front
  std::size_t updated_ = 0;
  std::size_t deleted_ = 0;  // from the back
};

}  // namespace trellis::load
