// A TypeExaminer over Data classes, without plugins around them.
#pragma once

#include "kernel/grid/examiner.hpp"
#include "kernel/grid/names.hpp"

#include <trellis/sdk.hpp>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::testing {

struct TypeTraits {
  bool updatable = false;
  bool sharable = false;
};

/// Looks at the workloads of a deployment as a plugin may.
class DeploymentGetter final : public WorkloadGetter {
 public:
  explicit DeploymentGetter(grid::Deployment const& deployment) : deployment_(&deployment) {}

  [[nodiscard]] Result<WorkloadView> Get(std::string_view name) const override {
    TRELLIS_TRY(auto const* workload, deployment_->Get(name));
    return View(*workload);
  }
  [[nodiscard]] Result<std::vector<WorkloadView>> ByType(
      std::span<std::string_view const> types) const override {
    std::vector<WorkloadView> out;
    for (auto const& workload : deployment_->workloads) {
      if (std::find(types.begin(), types.end(), workload.type) != types.end())
        out.push_back(View(workload));
    }
    return out;
  }

 private:
  [[nodiscard]] WorkloadView View(grid::Workload const& workload) const {
    WorkloadView view;
    view.id =
        grid::WorkloadId{deployment_->twin_id, deployment_->contract_id, workload.name}.ToString();
    view.version = workload.version;
    view.name = workload.name;
    view.type = workload.type;
    view.data = workload.data;
    return view;
  }

  grid::Deployment const* deployment_;
};

class DataExaminer final : public grid::TypeExaminer {
 public:
  template <class Data>
  void Add(std::string const& type, TypeTraits traits = {}) {
    types_[type] = {traits, &ExamineData<Data>};
  }

  [[nodiscard]] bool Known(std::string_view type) const override { return types_.contains(type); }
  [[nodiscard]] bool Sharable(std::string_view type) const override {
    auto const found = types_.find(type);
    return found != types_.end() && found->second.traits.sharable;
  }
  [[nodiscard]] bool Updatable(std::string_view type) const override {
    auto const found = types_.find(type);
    return found != types_.end() && found->second.traits.updatable;
  }
  Result<grid::Examined> Examine(grid::Deployment const& deployment, grid::Workload const& workload,
                                 bool check_valid) override {
    auto const found = types_.find(workload.type);
    if (found == types_.end()) return Fail(Code::kUnavailable, "no type '{}'", workload.type);
    return found->second.examine(deployment, workload, check_valid);
  }

 private:
  template <class Data>
  static Result<grid::Examined> ExamineData(grid::Deployment const& deployment,
                                            grid::Workload const& workload, bool check_valid) {
    TRELLIS_TRY(auto const data, json::ParseObject<Data>(workload.data.text));
    if (check_valid) TRELLIS_CHECK(data.Valid(DeploymentGetter(deployment)));
    grid::Examined out;
    ChallengeWriter writer(out.challenge);
    data.Challenge(writer);
    out.capacity = data.Capacity();
    return out;
  }

  struct Entry {
    TypeTraits traits;
    std::function<Result<grid::Examined>(grid::Deployment const&, grid::Workload const&, bool)>
        examine;
  };
  std::map<std::string, Entry, std::less<>> types_;
};

}  // namespace trellis::testing
