// Manager: the pure half of workload types, over documents that are not stored.
#include "kernel/plugin/manager.hpp"

#include <trellis/json.hpp>

#include <algorithm>

namespace trellis::plugin {

namespace {

constexpr std::chrono::seconds kExamineWait{60};

/// The document being examined, as its plugins may see it.
class IncomingView final : public DeploymentView {
 public:
  explicit IncomingView(grid::Deployment const& deployment) : deployment_(deployment) {}

  [[nodiscard]] Result<std::string> Info() const override {
    return fmt::format(R"({{"twin_id":{},"contract_id":{},"version":{},"metadata":{}}})",
                       deployment_.twin_id, deployment_.contract_id, deployment_.version,
                       json::Dump(deployment_.metadata));
  }
  [[nodiscard]] Result<std::string> Get(std::string_view name) const override {
    for (auto const& workload : deployment_.workloads) {
      if (workload.name == name) return ToView(workload);
    }
    return Fail(Code::kNotFound, "no workload '{}' in the deployment", name);
  }
  [[nodiscard]] Result<std::string> ByType(std::span<std::string_view const> types) const override {
    std::string list;
    for (auto const& workload : deployment_.workloads) {
      if (std::find(types.begin(), types.end(), workload.type) == types.end()) continue;
      if (!list.empty()) list += ',';
      list += ToView(workload);
    }
    return fmt::format("[{}]", list);
  }

 private:
  [[nodiscard]] std::string ToView(grid::Workload const& workload) const {
    auto const id =
        fmt::format("{}-{}-{}", deployment_.twin_id, deployment_.contract_id, workload.name);
    return fmt::format(R"({{"id":{},{})", json::Dump(id), grid::ToJson(workload).substr(1));
  }

  grid::Deployment const& deployment_;
};

}  // namespace

Result<grid::Examined> Manager::Examine(grid::Deployment const& deployment,
                                        grid::Workload const& workload, bool check_valid) {
  auto const type = Type(workload.type);
  if (!type)
    return trellis::Fail(Code::kInvalid, "[type] unknown workload type '{}'", workload.type);
  auto const* plugin = directory_.Find(type->plugin);
  Gate::Pass pass;
  if (plugin != nullptr && plugin->gates.calls != nullptr) {
    std::chrono::nanoseconds const longest = kExamineWait;
    TRELLIS_TRY(pass, Gate::Enter(plugin->gates.calls, nullptr, MonotonicNs() + longest.count()));
    plugin = directory_.Find(type->plugin);  // it may have been exchanged meanwhile
  }
  // Pure functions work as soon as the plugin was created.
  auto const channel = plugin != nullptr ? plugin->Channel() : nullptr;
  bool const created =
      channel != nullptr && (type->available || plugin->State() == PluginState::kCreated);
  if (!created)
    return trellis::Fail(Code::kUnavailable, "workload type '{}' is not available: {}",
                         workload.type, type->unavailable_reason);
  IncomingView const view(deployment);
  CallInfo call;
  call.id = directory_.NextCall();
  call.twin = deployment.twin_id;
  call.contract = deployment.contract_id;
  call.incoming = &view;
  auto seen = channel->Examine(call, workload.type, workload.data.text, check_valid);
  if (seen.status < 0)
    return tl::unexpected<Error>(Error{static_cast<Code>(seen.status), std::move(seen.error)});
  grid::Examined examined;
  examined.challenge = std::move(seen.challenge);
  examined.capacity = seen.capacity;
  examined.weight = seen.weight;
  examined.dependencies = std::move(seen.dependencies);
  return examined;
}

}  // namespace trellis::plugin
