// Deployments and types for the tests of kernel/grid.
#pragma once

#include "kernel/grid/examiner.hpp"

#include <string>
#include <string_view>

namespace trellis::grid {

/// Knows `disk` (updatable) and `machine`. The challenge of data is its text; data with the key
/// `broken` does not decode, `refused` breaks a rule, `away` finds no plugin.
class FakeTypes final : public TypeExaminer {
 public:
  [[nodiscard]] bool Known(std::string_view type) const override {
    return type == "disk" || type == "machine";
  }
  [[nodiscard]] bool Sharable(std::string_view) const override { return false; }
  [[nodiscard]] bool Updatable(std::string_view type) const override { return type == "disk"; }
  Result<Examined> Examine(Deployment const&, Workload const& workload, bool check_valid) override {
    auto const has = [&](std::string_view key) {
      return workload.data.text.find(key) != std::string::npos;
    };
    if (has("broken")) return Fail(Code::kDecode, "size: expected integer, got string");
    if (has("away")) return Fail(Code::kUnavailable, "plugin is not running");
    if (check_valid && has("refused")) return Invalid("size", "size is zero");
    Examined out;
    out.challenge = workload.data.text;
    return out;
  }
};

inline Workload AWorkload(std::string name, std::string data = "{}") {
  Workload workload;
  workload.name = std::move(name);
  workload.type = "disk";
  workload.data.text = std::move(data);
  return workload;
}

inline Deployment ADeployment(std::vector<Workload> workloads = {}) {
  Deployment deployment;
  deployment.twin_id = 7;
  deployment.contract_id = 100;
  deployment.signature_requirement.requests = {{7, false, 1}};
  deployment.signature_requirement.weight_required = 1;
  deployment.workloads = std::move(workloads);
  return deployment;
}

}  // namespace trellis::grid
