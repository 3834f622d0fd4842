// Public addresses of one workload: chosen here, filtered by the network plugin.
#pragma once

#include "plugins/ip/allocation.hpp"

#include <trellis/services/net.hpp>

namespace trellis::plugins::ip {

/// Keeps nothing itself: the network plugin's leases are what exists. Thread-safe. There is no
/// Update: such a workload is made anew.
class PublicIps {
 public:
  explicit PublicIps(Host const& host) : host_(host) {}

  /// The same result at every call, as long as contract and segment stay.
  Result<Outcome<PublicIpResult>> Provision(Call& call, Workload<PublicIp> const& workload);
  /// OK when nothing is there.
  Result<void> Deprovision(Call& call, Workload<PublicIp> const& workload);
  /// Nothing passes while paused.
  Result<void> Pause(Call& call, Workload<PublicIp> const& workload);
  Result<void> Resume(Call& call, Workload<PublicIp> const& workload);
  Result<Observed> Inspect(Call& call, Workload<PublicIp> const& workload);
  /// kUnsupported on a node without public addresses.
  Result<void> Precheck(Call& call, PrecheckOp op, Workload<PublicIp> const& workload);
  Result<std::vector<std::string>> ListOwned(Call& call);
  Result<void> Recovered(Call& call, std::span<std::string_view const> ids);

 private:
  template <class Reply, class Request>
  Result<Reply> Ask(Call const& call, char const* method, Request const& request) const {
    return host_.CallService<Reply>(call, services::kNetPublic, method, request);
  }
  template <class Request>
  Result<void> Tell(Call const& call, char const* method, Request const& request) const;
  Result<void> CheckSupport(Call const& call) const;
  Result<std::optional<services::PublicFilterInfo>> Find(Call const& call,
                                                         std::string_view id) const;
  Result<Address4> Find4(Call const& call, Workload<PublicIp> const& workload,
                         PublicIpResult const& stored) const;
  Result<void> Fill6(Call const& call, PublicIpResult const& stored,
                     services::PublicFilter& filter) const;
  Result<services::PublicFilter> Wanted(Call const& call, Workload<PublicIp> const& workload) const;
  Result<void> SetPaused(Call const& call, std::string_view id, bool paused) const;

  Host host_;
};

}  // namespace trellis::plugins::ip
