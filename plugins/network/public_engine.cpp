// Public addresses of machines: the filters of ip workloads, and taps on the public segment.
#include "plugins/network/engine.hpp"
#include "plugins/network/public_filter.hpp"
#include "plugins/network/taps.hpp"

#include <algorithm>

namespace trellis::plugins::network {

namespace {

constexpr char const* kPublicSlot = "public";
constexpr char const* kTrafficMetric = "nru";

tl::unexpected<Error> NotSupported() {
  return Fail(Code::kUnsupported, "public ips are not supported on this node");
}

// `twin-contract-` of a workload's id; the name behind it may hold dashes itself.
std::string_view DeploymentPart(std::string_view id) {
  auto const first = id.find('-');
  auto const second = first == std::string_view::npos ? first : id.find('-', first + 1);
  return second == std::string_view::npos ? std::string_view() : id.substr(0, second + 1);
}

Result<void> CheckFilter(services::PublicFilter const& filter) {
  if (DeploymentPart(filter.owner).empty())
    return Fail(Code::kInvalid, "'{}' is not the id of a workload", filter.owner);
  bool const bad4 = !filter.ipv4.empty() && !filter.ipv4.ip.is_v4();
  bool const bad6 = !filter.ipv6.empty() && !filter.ipv6.ip.is_v6();
  if (bad4 || bad6 || (filter.ipv4.empty() && filter.ipv6.empty()))
    return Fail(Code::kInvalid, "a public filter needs an ipv4 or an ipv6 address");
  // The tap's other end has this one, whatever the caller believes.
  if (filter.mac != MacText(PublicMac(filter.owner)))
    return Fail(Code::kInvalid, "'{}' is not the hardware address of '{}'", filter.mac,
                filter.owner);
  return {};
}

services::Attachment DescribePublic(services::PublicFilter const& lease,
                                    std::vector<std::string> const& nameservers) {
  services::Attachment out;
  out.tap = PublicTap(lease.owner);
  out.mac = lease.mac;
  for (auto const& net : {lease.ipv4, lease.ipv6}) {
    if (!net.empty()) out.ips.push_back(net.ToString());
  }
  out.gateway4 = lease.gateway4.ToString();
  out.gateway6 = lease.gateway6.ToString();
  out.nameservers = nameservers;
  return out;
}

Result<void> TakeOffBridge(std::string const& tap) {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const link, links.Find(tap));
  return link && link->master != 0 ? links.SetMaster(link->index, 0) : Result<void>();
}

}  // namespace

services::PublicSupport NetworkEngine::Support() {
  std::scoped_lock const lock(mutex_);
  if (!public_bridge_.configured()) return {};
  return {.ipv4 = true, .ipv6 = public_bridge_.Prefix6().has_value()};
}

Result<services::PublicPrefix> NetworkEngine::Prefix6() {
  std::scoped_lock const lock(mutex_);
  if (!public_bridge_.configured()) return NotSupported();
  return public_bridge_.Prefix6();
}

// The filter is in force before the tap is on the bridge.
Result<void> NetworkEngine::ApplyLease(services::PublicFilter const& lease, bool& changed) {
  TRELLIS_TRY(bool const corrected, ApplyPublicFilter(lease));
  changed = changed || corrected;
  auto const tap = PublicTap(lease.owner);
  return records_.attachments().contains(tap) ? EnsureTap(tap, kPublicBridge) : Result<void>();
}

Result<services::PublicFilterSet> NetworkEngine::FilterSet(services::PublicFilter wanted) {
  if (wanted.mac.empty()) wanted.mac = MacText(PublicMac(wanted.owner));
  TRELLIS_CHECK(CheckFilter(wanted));
  std::scoped_lock const lock(mutex_);
  if (!public_bridge_.configured()) return NotSupported();
  TRELLIS_CHECK(public_leases_.CheckFree(wanted));
  TRELLIS_CHECK(public_bridge_.Converge());
  auto const* const known = public_leases_.Find(wanted.owner);
  bool const fresh = known == nullptr;
  services::PublicFilterSet done{fresh || *known != wanted};
  // Remembered first: what a crash leaves in the kernel is then somebody's.
  if (done.changed) TRELLIS_CHECK(public_leases_.Put(wanted));
  bool corrected = false;
  auto applied = ApplyLease(wanted, corrected);
  if (applied && corrected && !done.changed)
    CountRepair(wanted.owner, "the packet filter differed");
  done.changed = done.changed || corrected;
  if (!applied && fresh) (void)DropLease(wanted.owner);
  TRELLIS_CHECK(applied);
  return done;
}

Result<void> NetworkEngine::DropLease(std::string const& owner) {
  TRELLIS_CHECK(TakeOffBridge(PublicTap(owner)));
  TRELLIS_CHECK(RemovePublicFilter(owner));
  return public_leases_.Remove(owner);
}

Result<void> NetworkEngine::FilterRemove(std::string const& owner) {
  std::scoped_lock const lock(mutex_);
  return DropLease(owner);
}

Result<services::PublicFilterInfo> NetworkEngine::FilterGet(std::string const& owner) {
  std::scoped_lock const lock(mutex_);
  auto const* const lease = public_leases_.Find(owner);
  if (lease == nullptr) return Fail(Code::kNotFound, "no public filter of '{}'", owner);
  TRELLIS_TRY(auto state, LookAtPublicFilter(*lease));
  return services::PublicFilterInfo{*lease, std::move(state.difference), state.dropped};
}

std::vector<std::string> NetworkEngine::FilterOwners(std::string const& kind) {
  std::scoped_lock const lock(mutex_);
  return public_leases_.OwnersOf(kind);
}

Result<void> NetworkEngine::FilterKeep(services::PublicFilterOwners const& known) {
  std::scoped_lock const lock(mutex_);
  for (auto const& owner : public_leases_.OwnersOf(known.kind)) {
    if (std::ranges::find(known.owners, owner) == known.owners.end())
      TRELLIS_CHECK(DropLease(owner));
  }
  return {};
}

Result<services::Attachment> NetworkEngine::AttachPublic(std::uint32_t twin,
                                                         services::AttachPublic const& request) {
  auto const deployment = DeploymentPart(request.owner);
  if (deployment.empty()) return Fail(Code::kInvalid, "an attachment needs an owner");
  auto const workload = std::string(deployment) + request.ip_workload;
  std::scoped_lock const lock(mutex_);
  if (!public_bridge_.configured()) return NotSupported();
  auto const* const lease = public_leases_.Find(workload);
  if (lease == nullptr)
    return Fail(Code::kNotFound, "public ip '{}' is not ready", request.ip_workload);
  auto const tap = PublicTap(workload);
  auto const other = records_.attachments().find(tap);
  if (other != records_.attachments().end() && other->second.owner != request.owner)
    return Fail(Code::kConflict, "public ip '{}' is already used by '{}'", request.ip_workload,
                other->second.owner);
  TRELLIS_CHECK(public_bridge_.Converge());
  TRELLIS_CHECK(records_.Put(AttachmentRecord{.owner = request.owner,
                                              .slot = kPublicSlot,
                                              .twin = twin,
                                              .network = workload,
                                              .net_id = "",
                                              .ip = lease->ipv4.ip.ToString(),
                                              .tap = tap}));
  bool ignored = false;
  TRELLIS_CHECK(ApplyLease(*lease, ignored));
  return DescribePublic(*lease, config_.nameservers);
}

std::vector<std::string> NetworkEngine::PublicAddresses() {
  std::scoped_lock const lock(mutex_);
  return public_leases_.Addresses();
}

Result<std::vector<TrafficReading>> NetworkEngine::PublicTraffic() {
  std::scoped_lock const lock(mutex_);
  std::vector<TrafficReading> readings;
  TRELLIS_TRY(auto links, Links::Open());
  for (auto const& [tap, attachment] : records_.attachments()) {
    if (attachment.slot != kPublicSlot) continue;
    TRELLIS_TRY(auto const link, links.Find(tap));
    if (link) readings.push_back({attachment.network, kTrafficMetric, link->bytes});
  }
  return readings;
}

Result<std::string> NetworkEngine::ConvergePublicNamespace() {
  if (!config_.public_.own_namespace) return std::string();
  if (!public_config_) {
    TRELLIS_CHECK(public_namespace_.Remove());
    return std::string();
  }
  TRELLIS_TRY(auto difference, public_namespace_.Difference(*public_config_));
  if (difference.empty()) return difference;
  TRELLIS_CHECK(public_bridge_.Converge());
  TRELLIS_CHECK(public_namespace_.Converge(*public_config_));
  return difference;
}

void NetworkEngine::FollowPublicConfig(std::optional<services::NodePublicConfig> const& config) {
  std::scoped_lock const lock(mutex_);
  public_config_ = config;
  if (auto const done = ConvergePublicNamespace(); !done)
    host_.Warn("the node's public addresses not as configured, tried again",
               {{"error", json::Encode(done.error().message)}});
}

// What a restart or a reboot finds is compared with what was leased. A segment that cannot be built
// now (its interface is not there yet) must not keep user networks from working.
void NetworkEngine::RestorePublic() {
  if (!public_bridge_.configured()) return;
  auto const restore = [this]() -> Result<void> {
    TRELLIS_CHECK(public_bridge_.Converge());
    Result<void> first;
    for (auto const& [owner, lease] : public_leases_.all()) {
      bool ignored = false;
      auto applied = ApplyLease(lease, ignored);
      if (first && !applied) first = std::move(applied);
    }
    return first;
  };
  if (auto const done = restore(); !done)
    host_.Warn("public addresses not as leased, tried again when they are used",
               {{"error", json::Encode(done.error().message)}});
}

Result<void> NetworkEngine::RemovePublic() {
  auto const leases = public_leases_.all();
  for (auto const& [owner, lease] : leases)
    TRELLIS_CHECK(DropLease(owner));
  if (!public_bridge_.configured()) return {};
  TRELLIS_CHECK(RemovePublicFilters());
  return public_bridge_.Remove();
}

}  // namespace trellis::plugins::network
