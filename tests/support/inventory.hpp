// Plugins of one type, `disk`, whose resources are names in a map.
#pragma once

#include "tests/support/no_plugins.hpp"

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace trellis::testing {

/// Safe for use by several threads.
class Inventory final : public NoPlugins {
 public:
  std::optional<plugin::TypeInfo> Type(std::string_view name) const override {
    return name == "disk" ? std::optional(Disk()) : std::nullopt;
  }
  std::vector<plugin::TypeInfo> Types() const override { return {Disk()}; }

  plugin::OpAnswer Run(plugin::Op op, plugin::OpRequest const& request,
                       std::shared_ptr<plugin::CancelToken>) override {
    std::lock_guard const lock(mutex_);
    plugin::OpAnswer answer;
    answer.status = op == plugin::Op::kDeprovision && stuck_ ? TRL_IO : TRL_OK;
    if (answer.status != TRL_OK) return answer;
    if (op == plugin::Op::kDeprovision)
      resources_.erase(request.id);
    else
      resources_[request.id] = TRL_OBSERVED_RUNNING;
    return answer;
  }
  Result<plugin::InspectAnswer> Inspect(plugin::OpRequest const& request) override {
    std::lock_guard const lock(mutex_);
    ++inspections_[request.id];
    if (away_) return Fail(Code::kUnavailable, "plugin is away");
    auto const found = resources_.find(request.id);
    auto const state = found == resources_.end() ? TRL_OBSERVED_ABSENT : found->second;
    return plugin::InspectAnswer{state, "seen"};
  }
  Result<std::vector<std::string>> ListOwned(std::string_view) override {
    std::lock_guard const lock(mutex_);
    if (away_) return Fail(Code::kUnavailable, "plugin is away");
    std::vector<std::string> ids;
    for (auto const& [id, state] : resources_)
      ids.push_back(id);
    return ids;
  }
  void Recovered(std::vector<std::pair<std::string, std::string>> const& ids) override {
    std::lock_guard const lock(mutex_);
    for (auto const& [id, type] : ids)
      recovered_.insert(id);
    ++recoveries_;
  }

  // ---- for tests ----
  void Put(std::string const& id, std::int32_t state = TRL_OBSERVED_RUNNING) {
    std::lock_guard const lock(mutex_);
    resources_[id] = state;
  }
  void Lose(std::string const& id) {
    std::lock_guard const lock(mutex_);
    resources_.erase(id);
  }
  void SetAway(bool away) {
    std::lock_guard const lock(mutex_);
    away_ = away;
  }
  /// Nothing can be removed.
  void SetStuck(bool stuck) {
    std::lock_guard const lock(mutex_);
    stuck_ = stuck;
  }
  [[nodiscard]] bool Has(std::string const& id) const {
    std::lock_guard const lock(mutex_);
    return resources_.contains(id);
  }
  [[nodiscard]] int inspections(std::string const& id) const {
    std::lock_guard const lock(mutex_);
    auto const found = inspections_.find(id);
    return found == inspections_.end() ? 0 : found->second;
  }
  [[nodiscard]] int recoveries() const { return recoveries_; }
  [[nodiscard]] std::set<std::string> const& recovered() const { return recovered_; }

 private:
  static plugin::TypeInfo Disk() {
    plugin::TypeInfo type;
    type.name = "disk";
    type.plugin = "storage";
    type.pausable = true;
    type.available = true;
    return type;
  }
  mutable std::mutex mutex_;  // guards everything below
  std::map<std::string, std::int32_t> resources_;
  std::map<std::string, int> inspections_;
  std::set<std::string> recovered_;
  int recoveries_ = 0;
  bool away_ = false;
  bool stuck_ = false;
};

}  // namespace trellis::testing
