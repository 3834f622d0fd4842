// The effects of a workload type that a node understands but cannot bring up: deployments with it
// decode, hash and verify, and the workload itself ends in an error that says so. Its manifest says
// `"provision":false`, so that the node does not offer the type.
#pragma once

#include <trellis/sdk.hpp>

#include <string>
#include <vector>

namespace trellis::plugins {

/// Owns nothing, so there is nothing to remove, find or list. Thread-safe: no state.
template <class Data, class Answer>
class DataOnlyProvisioner {
 public:
  /// Always kUnsupported.
  Result<Outcome<Answer>> Provision(Call&, Workload<Data> const& workload) {
    return Refusal(workload);
  }
  Result<void> Deprovision(Call&, Workload<Data> const&) { return {}; }
  Result<Observed> Inspect(Call&, Workload<Data> const&) { return Observed::Absent(); }
  Result<std::vector<std::string>> ListOwned(Call&) { return std::vector<std::string>{}; }

 protected:
  static tl::unexpected<Error> Refusal(Workload<Data> const& workload) {
    return Fail(Code::kUnsupported, "this node cannot provision workloads of type '{}'",
                workload.type);
  }
};

/// The same for a type whose workloads may be updated.
template <class Data, class Answer>
class UpdatableDataOnlyProvisioner : public DataOnlyProvisioner<Data, Answer> {
 public:
  /// Always kUnsupported.
  Result<Outcome<Answer>> Update(Call&, Workload<Data> const& workload) {
    return this->Refusal(workload);
  }
};

}  // namespace trellis::plugins
