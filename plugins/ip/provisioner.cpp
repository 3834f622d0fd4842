#include "plugins/ip/provisioner.hpp"

#include <array>

namespace trellis::plugins::ip {

namespace {

using services::PublicFilter;
using services::PublicFilterInfo;
using services::PublicFilterOwner;
using services::PublicFilterOwners;

constexpr std::string_view kType = "ip";

// What an earlier provision answered; all empty when there was none.
PublicIpResult StoredResult(std::string_view text) {
  auto const result = json::Parse<PublicIpResult>(text.empty() ? std::string_view("{}") : text);
  return result ? *result : PublicIpResult{};
}

// The ledger cannot be asked now, which says nothing about the contract.
bool IsAway(Code code) {
  return code == Code::kUnavailable || code == Code::kTimeout;
}

PublicIpResult ResultOf(PublicFilter const& filter) {
  return {filter.ipv4, filter.ipv6, filter.gateway4};
}

}  // namespace

template <class Request>
Result<void> PublicIps::Tell(Call const& call, char const* method, Request const& request) const {
  TRELLIS_CHECK(
      host_.CallService(call, services::kNetPublic, method, std::string_view(json::Dump(request))));
  return {};
}

Result<void> PublicIps::CheckSupport(Call const& call) const {
  TRELLIS_TRY(auto const support, Ask<services::PublicSupport>(call, "support", json::Nothing{}));
  if (support.ipv4 || support.ipv6) return {};
  return Fail(Code::kUnsupported, "public ips are not supported on this node");
}

Result<std::optional<PublicFilterInfo>> PublicIps::Find(Call const& call,
                                                        std::string_view id) const {
  auto found = Ask<PublicFilterInfo>(call, "filter_get", PublicFilterOwner{std::string(id)});
  if (!found && found.error().code == Code::kNotFound) return std::optional<PublicFilterInfo>();
  if (!found) return tl::unexpected<Error>(found.error());
  return std::optional<PublicFilterInfo>(*std::move(found));
}

Result<Address4> PublicIps::Find4(Call const& call, Workload<PublicIp> const& workload,
                                  PublicIpResult const& stored) const {
  bool const has = !stored.ip.empty();
  Address4 const before{stored.ip, stored.gateway};
  if (has && call.replay()) return before;
  auto const contract = host_.Contract(call);
  if (!contract && has && IsAway(contract.error().code)) return before;
  TRELLIS_CHECK(contract);
  TRELLIS_TRY(auto const reserved, Reserved(*contract));
  static constexpr std::array<std::string_view, 1> kTypes = {kType};
  TRELLIS_TRY(auto const all, host_.WorkloadsByType(call, kTypes));
  auto const kept = has ? std::optional<IpNet>(stored.ip) : std::nullopt;
  return Choose(reserved, LookAtSiblings(all, workload.id), kept);
}

// An address once given stays when the segment's router is silent for a while.
Result<void> PublicIps::Fill6(Call const& call, PublicIpResult const& stored,
                              PublicFilter& filter) const {
  auto const prefix = Ask<services::PublicPrefix>(call, "prefix6", json::Nothing{});
  if (prefix) {
    TRELLIS_TRY(filter.ipv6, Slaac(prefix->net, filter.mac));
    filter.gateway6 = prefix->gateway;
    return {};
  }
  auto const reason = prefix.error();
  if (stored.ip6.empty()) {
    bool const none = reason.code == Code::kNotFound;
    return Fail(none ? Code::kUnsupported : reason.code, "could not look up ipv6 prefix: {}",
                reason.message);
  }
  TRELLIS_TRY(auto const lease, Find(call, filter.owner));
  filter.ipv6 = stored.ip6;
  if (lease) filter.gateway6 = lease->filter.gateway6;
  return {};
}

Result<PublicFilter> PublicIps::Wanted(Call const& call, Workload<PublicIp> const& workload) const {
  auto const stored = StoredResult(workload.result);
  PublicFilter filter;
  filter.owner = std::string(workload.id);
  filter.kind = std::string(kType);
  filter.paused = workload.paused;
  TRELLIS_TRY(auto const mac,
              Ask<services::PublicFilterMac>(call, "filter_mac", PublicFilterOwner{filter.owner}));
  filter.mac = mac.mac;
  if (workload.data.v4) {
    TRELLIS_TRY(auto const address, Find4(call, workload, stored));
    filter.ipv4 = address.ip;
    filter.gateway4 = address.gateway;
  }
  if (workload.data.v6) TRELLIS_CHECK(Fill6(call, stored, filter));
  return filter;
}

Result<Outcome<PublicIpResult>> PublicIps::Provision(Call& call,
                                                     Workload<PublicIp> const& workload) {
  using Done = Outcome<PublicIpResult>;
  TRELLIS_CHECK(CheckSupport(call));
  TRELLIS_TRY(auto const filter, Wanted(call, workload));
  TRELLIS_TRY(auto const set, Ask<services::PublicFilterSet>(call, "filter_set", filter));
  auto const result = ResultOf(filter);
  bool const told = StoredResult(workload.result) == result;
  return !set.changed && told ? Done::NoAction(result) : Done(result);
}

Result<void> PublicIps::Deprovision(Call& call, Workload<PublicIp> const& workload) {
  return Tell(call, "filter_remove", PublicFilterOwner{std::string(workload.id)});
}

Result<void> PublicIps::SetPaused(Call const& call, std::string_view id, bool paused) const {
  TRELLIS_TRY(auto found, Find(call, id));
  if (!found) return Fail(Code::kNotFound, "public ip '{}' is not set up", id);
  found->filter.paused = paused;
  return Tell(call, "filter_set", found->filter);
}

Result<void> PublicIps::Pause(Call& call, Workload<PublicIp> const& workload) {
  return SetPaused(call, workload.id, /*paused=*/true);
}

Result<void> PublicIps::Resume(Call& call, Workload<PublicIp> const& workload) {
  return SetPaused(call, workload.id, /*paused=*/false);
}

Result<Observed> PublicIps::Inspect(Call& call, Workload<PublicIp> const& workload) {
  TRELLIS_TRY(auto const found, Find(call, workload.id));
  if (!found) return Observed::Absent();
  if (!found->difference.empty()) return Observed::Drifted(found->difference);
  bool const told = !workload.result.empty();
  if (told && StoredResult(workload.result) != ResultOf(found->filter))
    return Observed::Drifted("the filter lets pass other addresses than the result says");
  return found->filter.paused ? Observed::Paused() : Observed::Running();
}

Result<void> PublicIps::Precheck(Call& call, PrecheckOp, Workload<PublicIp> const&) {
  return CheckSupport(call);
}

Result<std::vector<std::string>> PublicIps::ListOwned(Call& call) {
  TRELLIS_TRY(
      auto const found,
      Ask<PublicFilterOwners>(call, "filter_list", PublicFilterOwners{std::string(kType), {}}));
  return found.owners;
}

Result<void> PublicIps::Recovered(Call& call, std::span<std::string_view const> ids) {
  return Tell(call, "filter_keep",
              PublicFilterOwners{std::string(kType), {ids.begin(), ids.end()}});
}

}  // namespace trellis::plugins::ip
