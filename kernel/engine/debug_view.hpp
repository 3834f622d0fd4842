// Stored deployments as administrators see them: with everything a client need not know.
#pragma once

#include "kernel/engine/answer.hpp"
#include "kernel/engine/context.hpp"

#include <cstdint>
#include <vector>

namespace trellis::engine {

class DebugView {
 public:
  explicit DebugView(Context const& context) : context_(context) {}

  /// {"deployments":[…]} of all twins or one (0 = all), also errored ones and those being removed.
  Answer List(std::uint32_t twin);
  /// {"deployment","jobs","desired","message"}; each workload also says "effective_version",
  /// "owned", "fails" and "next_try". 404 `deployment not found`.
  Answer Get(store::DeploymentKey key);
  /// {"deployment","history":[…]}; of a removed deployment what its tombstone kept. 404.
  Answer History(store::DeploymentKey key);
  /// The workloads with their data. Empty list when the deployment is unknown.
  Result<std::vector<store::WorkloadRow>> Workloads(store::DeploymentKey key);

 private:
  Context const& context_;
};

}  // namespace trellis::engine
