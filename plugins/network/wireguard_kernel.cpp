#include "plugins/network/wireguard_kernel.hpp"

#include "plugins/network/links.hpp"
#include "plugins/network/names.hpp"
#include "plugins/network/wireguard_netlink.hpp"

#include <sched.h>

#include <thread>

namespace trellis::plugins::network {

bool KernelWireGuard::IsThere() {
  bool works = false;
  std::thread([&] {  // of its own: it never comes back from the namespace
    if (::unshare(CLONE_NEWNET) != 0) return;
    auto links = Links::Open();
    works = links && links->CreateWireGuard({"probe", -1, {}});
  })
      .join();
  return works;
}

Result<bool> KernelWireGuard::EnsureLink(Call const&, std::string const& net_id,
                                         std::string const& underlay) {
  auto const link = TunnelName(net_id);
  bool there = false;
  TRELLIS_CHECK(namespaces_.RunIn(NamespaceName(net_id), [&]() -> Result<void> {
    TRELLIS_TRY(auto inside, Links::Open());
    TRELLIS_TRY(auto const found, inside.Find(link));
    there = found && found->kind == "wireguard";
    return found && !there ? inside.Delete(link) : Result<void>();
  }));
  if (there) return false;
  TRELLIS_TRY(auto const target, namespaces_.Open(NamespaceName(net_id)));
  // Its socket stays in the namespace of the thread that asks for the link.
  TRELLIS_CHECK(namespaces_.RunIn(underlay, [&]() -> Result<void> {
    TRELLIS_TRY(auto links, Links::Open());
    return links.CreateWireGuard({link, target.get(), {}});
  }));
  return true;
}

Result<WireGuardDevice> KernelWireGuard::Read(std::string const& net_id) {
  WireGuardDevice device;
  TRELLIS_CHECK(namespaces_.RunIn(NamespaceName(net_id), [&]() -> Result<void> {
    TRELLIS_TRY(device, ReadKernelDevice(TunnelName(net_id)));
    return {};
  }));
  return device;
}

Result<void> KernelWireGuard::Change(std::string const& net_id, WireGuardChange const& change) {
  return namespaces_.RunIn(NamespaceName(net_id),
                           [&] { return ChangeKernelDevice(TunnelName(net_id), change); });
}

}  // namespace trellis::plugins::network
