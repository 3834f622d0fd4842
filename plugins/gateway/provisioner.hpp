// One provisioner for each of the two types over the same work.
#pragma once

#include "plugins/gateway/gateway.hpp"

namespace trellis::plugins::gateway {

/// What differs between the types.
template <class Data>
struct TypeOf;
template <>
struct TypeOf<NameProxy> {
  using Result = NameProxyResult;
  static constexpr std::string_view kKind = kNameKind;
  static std::string const& NameIn(NameProxy const& data) { return data.name; }
  static Result Answer(std::string fqdn) { return {std::move(fqdn)}; }
};
template <>
struct TypeOf<FqdnProxy> {
  using Result = FqdnProxyResult;
  static constexpr std::string_view kKind = kFqdnKind;
  static std::string const& NameIn(FqdnProxy const& data) { return data.fqdn; }
  static Result Answer(std::string const&) { return {}; }
};

/// Thread-safe. There is no Update: such a workload is made anew.
template <class Data>
class RouteProvisioner {
 public:
  using Type = TypeOf<Data>;
  using Done = typename Type::Result;

  explicit RouteProvisioner(Gateway& gateway) : gateway_(&gateway) {}

  Result<Outcome<Done>> Provision(Call& call, Workload<Data> const& workload) {
    bool const stored = call.replay() && !workload.result.empty();
    TRELLIS_TRY(auto done, gateway_->Provision(call, Request(call, workload), stored));
    auto answer = Type::Answer(std::move(done.fqdn));
    return done.changed ? Outcome<Done>(std::move(answer)) : Outcome<Done>::NoAction(answer);
  }
  Result<void> Deprovision(Call& call, Workload<Data> const& workload) {
    return gateway_->Deprovision(call, std::string(workload.id));
  }
  Result<void> Pause(Call& call, Workload<Data> const& workload) {
    return gateway_->SetPaused(call, std::string(workload.id), /*paused=*/true);
  }
  Result<void> Resume(Call& call, Workload<Data> const& workload) {
    return gateway_->SetPaused(call, std::string(workload.id), /*paused=*/false);
  }
  Result<Observed> Inspect(Call& call, Workload<Data> const& workload) {
    return gateway_->Inspect(Request(call, workload));
  }
  Result<void> Precheck(Call& call, PrecheckOp, Workload<Data> const& workload) {
    return gateway_->Precheck(call, Request(call, workload));
  }
  Result<std::vector<std::string>> ListOwned(Call&) { return gateway_->Owned(Type::kKind); }
  Result<void> Recovered(Call& call, std::span<std::string_view const> ids) {
    return gateway_->Keep(call, Type::kKind, ids);
  }

 private:
  static RouteRequest Request(Call const& call, Workload<Data> const& workload) {
    auto const& data = workload.effective();
    return {.id = std::string(workload.id),
            .kind = std::string(Type::kKind),
            .name = Type::NameIn(data),
            .target = data,
            .twin = call.twin_id(),
            .paused = workload.paused};
  }
  Gateway* gateway_;
};

}  // namespace trellis::plugins::gateway
