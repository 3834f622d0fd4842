#include "plugins/network/tunnels.hpp"

#include "plugins/network/link_difference.hpp"
#include "plugins/network/names.hpp"
#include "plugins/network/wireguard_kernel.hpp"
#include "plugins/network/wireguard_user.hpp"

#include <algorithm>

namespace trellis::plugins::network {

namespace {

constexpr unsigned kTunnelPrefix = 16;  // of 100.64.0.0

IpNet AddressOf(NetworkRecord const& record) {
  return {WireGuardAddress(record.data.subnet.ip), kTunnelPrefix};
}

// In the network's namespace.
Result<void> SetUpLink(NetworkRecord const& record) {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const link, links.Get(TunnelName(record.net_id)));
  TRELLIS_CHECK(links.ConvergeAddresses(link.index, {AddressOf(record)}));
  if (!link.up) TRELLIS_CHECK(links.SetUp(link.index));
  return links.SetRoute(record.data.ip_range, link.index);
}

WantedLink LinkOf(NetworkRecord const& record) {
  return {TunnelName(record.net_id), {AddressOf(record)}, {}, {record.data.ip_range}};
}

}  // namespace

Tunnels::Tunnels(Host host, NetworkConfig const& config, Namespaces const& namespaces)
    : host_(host), config_(config), namespaces_(namespaces) {}

Result<void> Tunnels::Start() {
  changes_ = Metric::Define(host_, Metric::Kind::kCounter, "wireguard_changes_total",
                            "times a tunnel was told something new");
  auto const chosen = backend();
  if (!chosen) host_.Warn("no tunnels", {{"error", json::Encode(chosen.error().message)}});
  return {};
}

Result<WireGuardBackend*> Tunnels::backend() {
  std::scoped_lock const lock(mutex_);
  if (backend_ != nullptr) return backend_.get();
  auto const& wanted = config_.wireguard.backend;
  if (wanted != "userspace" && KernelWireGuard::IsThere()) {
    backend_ = std::make_unique<KernelWireGuard>(namespaces_);
  } else if (wanted == "kernel") {
    return Fail(Code::kUnavailable,
                "this kernel has no wireguard: load its module, or set wireguard.backend to auto");
  } else if (!UserWireGuard::IsThere()) {
    return Fail(Code::kUnavailable,
                "this kernel has no wireguard: load its module, or install wireguard-go");
  } else {
    backend_ = std::make_unique<UserWireGuard>(host_, namespaces_);
  }
  host_.Info("tunnels", {{"backend", json::Encode(backend_->name())}});
  return backend_.get();
}

Result<void> Tunnels::Converge(Call const& call, NetworkRecord const& record,
                               Network const& asked) {
  TRELLIS_TRY(auto* const carrier, backend());
  TRELLIS_TRY(bool const made, carrier->EnsureLink(call, record.net_id, record.underlay));
  TRELLIS_TRY(auto const present, carrier->Read(record.net_id));
  auto const wanted = DeviceOf(record.data, record.port);
  auto const before = made ? WireGuardDevice{} : DeviceOf(asked, record.port);
  auto const change = ChangeTo(wanted, present, before);
  if (!change.empty()) {
    TRELLIS_CHECK(carrier->Change(record.net_id, change));
    changes_.Record(1);
  }
  return namespaces_.RunIn(NamespaceName(record.net_id), [&] { return SetUpLink(record); });
}

Result<std::string> Tunnels::Difference(NetworkRecord const& record) {
  TRELLIS_TRY(auto* const carrier, backend());
  std::string difference;
  TRELLIS_CHECK(namespaces_.RunIn(NamespaceName(record.net_id), [&]() -> Result<void> {
    TRELLIS_TRY(auto links, Links::Open());
    TRELLIS_TRY(difference, DifferenceOf(links, LinkOf(record)));
    return {};
  }));
  if (!difference.empty()) return difference;
  auto const present = carrier->Read(record.net_id);
  if (!present && present.error().code == Code::kNotFound) return present.error().message;
  TRELLIS_CHECK(present);
  return DifferenceOf(DeviceOf(record.data, record.port), *present);
}

Result<void> Tunnels::Remove(Call const& call, std::string const& net_id) {
  auto const carrier = backend();
  return carrier ? (*carrier)->Remove(call, net_id) : Result<void>();
}

Result<void> Tunnels::Discard(Call const& call, std::string const& net_id) {
  TRELLIS_CHECK(Remove(call, net_id));
  auto const inside = NamespaceName(net_id);
  if (!namespaces_.Exists(inside)) return {};
  return namespaces_.RunIn(inside, [&]() -> Result<void> {
    TRELLIS_TRY(auto links, Links::Open());
    return links.Delete(TunnelName(net_id));
  });
}

std::optional<std::string> Tunnels::EndedWith(std::string_view process) const {
  return UserWireGuard::NetworkOf(process);
}

Result<void> Tunnels::RemoveOthers(Call const& call, std::set<std::string> const& known) {
  auto const carrier = backend();
  if (!carrier) return {};
  TRELLIS_TRY(auto const present, (*carrier)->Present());
  for (auto const& net_id : present) {
    if (!known.contains(net_id)) TRELLIS_CHECK((*carrier)->Remove(call, net_id));
  }
  return {};
}

}  // namespace trellis::plugins::network
