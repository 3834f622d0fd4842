// Plugins that really hold something (an inventory by id) and do what a test tells them to.
#pragma once

#include "kernel/plugin/types.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace trellis::testing {

/// Holds calls up until it is opened, or until they are cancelled.
class Gate {
 public:
  Gate();
  ~Gate();
  Gate(Gate const&) = delete;
  Gate& operator=(Gate const&) = delete;

  void Open();
  /// False: cancelled.
  bool Pass(plugin::CancelToken const* cancel);
  /// Waits until so many calls have come to the gate; false: in vain.
  bool WaitEntered(int calls = 1);

 private:
  int opened_fd_;
  std::mutex mutex_;  // guards entered_
  std::condition_variable changed_;
  int entered_ = 0;
};

/// What one call does, instead of succeeding.
struct Behaviour {
  trl_status status = TRL_OK;
  std::string text{};
  bool effect = true;              ///< it changes the inventory before it answers
  bool lost = false;               ///< it never comes back, as far as the caller can see
  std::shared_ptr<Gate> gate{};    ///< it waits there first
  std::function<void()> during{};  ///< runs inside the call
};
inline Behaviour Fails(trl_status status, std::string text) {
  return {.status = status, .text = std::move(text), .effect = false};
}
inline Behaviour WaitsAt(std::shared_ptr<Gate> gate) {
  return {.gate = std::move(gate)};
}
inline Behaviour Hangs() {
  return {.status = TRL_TIMEOUT, .text = "did not return", .effect = false, .lost = true};
}

/// Types: zmount (weight and ssd by `size`, updatable), network (sharable, updatable), zmachine
/// (`memory`, pausable), zlogs, fake (updatable, pausable). All read the same data:
/// {"size","memory","uses":[names],"text"}.
class FakePlugins final : public plugin::Plugins {
 public:
  FakePlugins();

  // ---- what a test tells ----
  /// The next calls of `op` on workloads of this name, in order; then they succeed again.
  void Script(plugin::Op op, std::string const& name, std::vector<Behaviour> behaviours);
  /// All calls of `op` on workloads of this name, until told otherwise.
  void Always(plugin::Op op, std::string const& name, Behaviour behaviour);
  void Relent(plugin::Op op, std::string const& name);
  void RefusePrecheck(std::string const& name, std::string text);
  /// What inspect says of workloads of this name, instead of the truth.
  void Observe(std::string const& name, std::vector<plugin::InspectAnswer> answers);
  /// The machine was off: everything is gone.
  void Reboot();
  /// Behind the engine's back.
  void Lose(std::string const& id);
  void SetVersion(std::string version);
  void OnChange(std::function<void()> changed);  ///< after every call

  // ---- what a test sees ----
  struct Call {
    plugin::Op op;
    plugin::OpRequest request;
  };
  struct Instance {
    std::string type;
    std::string data;
    bool paused = false;
  };
  [[nodiscard]] std::vector<Call> Calls() const;
  /// `provision vm`, …
  [[nodiscard]] std::vector<std::string> CallTexts() const;
  void ForgetCalls();
  [[nodiscard]] std::map<std::string, Instance> Inventory() const;
  /// How often something was made anew under this id.
  [[nodiscard]] int Created(std::string const& id) const;
  [[nodiscard]] int Inspections() const;
  [[nodiscard]] int MaxParallel(std::string const& type) const;  ///< calls at once, at most

  // ---- plugin::Plugins ----
  [[nodiscard]] bool Known(std::string_view type) const override;
  [[nodiscard]] bool Sharable(std::string_view type) const override;
  [[nodiscard]] bool Updatable(std::string_view type) const override;
  Result<grid::Examined> Examine(grid::Deployment const& deployment, grid::Workload const& workload,
                                 bool check_valid) override;
  [[nodiscard]] std::optional<plugin::TypeInfo> Type(std::string_view name) const override;
  [[nodiscard]] std::vector<plugin::TypeInfo> Types() const override;
  plugin::OpAnswer Run(plugin::Op op, plugin::OpRequest const& request,
                       std::shared_ptr<plugin::CancelToken> cancel) override;
  plugin::OpAnswer RunHere(plugin::Op op, plugin::OpRequest const& request,
                           std::shared_ptr<plugin::CancelToken> cancel,
                           plugin::LostCallback const& lost) override;
  plugin::OpAnswer Precheck(plugin::Op op, plugin::OpRequest const& request) override;
  Result<plugin::InspectAnswer> Inspect(plugin::OpRequest const& request) override;
  Result<std::vector<std::string>> ListOwned(std::string_view type) override;
  void Recovered(std::vector<std::pair<std::string, std::string>> const&) override {}
  [[nodiscard]] std::optional<plugin::CommandInfo> Command(std::string_view) const override {
    return std::nullopt;
  }
  plugin::CommandReply RunCommand(std::string_view, std::uint32_t, std::string_view) override;
  std::vector<plugin::Provided> Provide(std::string_view kind, std::string_view request) override;
  Result<std::string> CallService(std::string_view, std::string_view, std::string_view,
                                  std::vector<int>*) override;
  void Publish(std::string_view, std::string_view) override {}
  [[nodiscard]] std::vector<plugin::PluginStatus> Status() const override;

 private:
  using Key = std::pair<plugin::Op, std::string>;
  plugin::OpAnswer Do(plugin::Op op, plugin::OpRequest const& request,
                      plugin::CancelToken const* cancel, plugin::LostCallback const* lost);
  Behaviour NextBehaviour(plugin::Op op, std::string const& name);
  plugin::InspectAnswer See(plugin::OpRequest const& request);
  trl_status Apply(plugin::Op op, plugin::OpRequest const& request);

  std::map<std::string, plugin::TypeInfo, std::less<>> types_;
  mutable std::mutex mutex_;  // guards everything below
  std::map<Key, std::deque<Behaviour>> scripts_;
  std::map<Key, Behaviour> always_;
  std::map<std::string, std::string> refusals_;
  std::map<std::string, std::deque<plugin::InspectAnswer>> observed_;
  std::map<std::string, Instance> inventory_;
  std::map<std::string, int> created_;
  std::map<std::string, int> inside_;
  std::map<std::string, int> max_inside_;
  std::vector<Call> calls_;
  int inspections_ = 0;
  std::string version_ = "1.0.0";
  std::function<void()> changed_;
};

}  // namespace trellis::testing
