#include "plugins/network/tunnels.hpp"

#include "plugins/network/checks.hpp"
#include "plugins/network/links.hpp"
#include "plugins/network/names.hpp"
#include "plugins/network/wireguard_kernel.hpp"
#include "plugins/network/wireguard_user.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <random>

namespace trellis::plugins::network {

namespace {

constexpr unsigned kTunnelPrefix = 16;  // of 100.64.0.0
constexpr std::uint16_t kFirstPort = 1024;
constexpr std::uint16_t kLastPort = 32767;  // as clients choose them
constexpr int kPortTries = 1000;

IpNet AddressOf(NetworkRecord const& record) {
  return {WireGuardAddress(record.data.subnet.ip), kTunnelPrefix};
}

bool CanListen(std::uint16_t port) {
  UniqueFd const fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  return fd && ::bind(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0;
}

// In the network's namespace.
Result<void> SetUpLink(NetworkRecord const& record) {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const link, links.Get(TunnelName(record.net_id)));
  TRELLIS_CHECK(links.ConvergeAddresses(link.index, {AddressOf(record)}));
  if (!link.up) TRELLIS_CHECK(links.SetUp(link.index));
  return links.SetRoute(record.data.ip_range, link.index);
}

// In the network's namespace.
Result<std::string> LinkDifference(NetworkRecord const& record) {
  auto const name = TunnelName(record.net_id);
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const link, links.Find(name));
  if (!link) return fmt::format("link '{}' is missing", name);
  if (!link->up) return fmt::format("link '{}' is down", name);
  TRELLIS_TRY(auto const addresses, links.Addresses(link->index));
  auto const wanted = AddressOf(record);
  if (std::ranges::find(addresses, wanted) == addresses.end())
    return fmt::format("link '{}' has no address '{}'", name, wanted.ToString());
  TRELLIS_TRY(bool const routed, links.HasRoute(record.data.ip_range, link->index));
  if (!routed) return fmt::format("there is no route to '{}'", record.data.ip_range.ToString());
  return std::string();
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
  TRELLIS_TRY(bool const made, carrier->EnsureLink(call, record.net_id));
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
    TRELLIS_TRY(difference, LinkDifference(record));
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

std::optional<std::string> Tunnels::EndedWith(std::string_view process) const {
  return UserWireGuard::NetworkOf(process);
}

Result<void> Tunnels::RemoveOthers(Call const& call, std::set<std::string> const& known) {
  if (backend_ == nullptr) return {};
  TRELLIS_TRY(auto const present, backend_->Present());
  for (auto const& net_id : present) {
    if (!known.contains(net_id)) TRELLIS_CHECK(backend_->Remove(call, net_id));
  }
  return {};
}

Result<std::uint16_t> Tunnels::ChoosePort(std::set<std::uint16_t> const& used) const {
  std::random_device random;
  std::uniform_int_distribution<std::uint16_t> pick(kFirstPort, kLastPort);
  for (int i = 0; i < kPortTries; ++i) {
    auto const port = pick(random);
    if (CheckPort(port, used) && CanListen(port)) return port;
  }
  return Fail(Code::kExhausted, "no free port for wireguard");
}

}  // namespace trellis::plugins::network
