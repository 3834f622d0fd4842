#include "kernel/sys/machine.hpp"

#include "kernel/sys/files.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <array>
#include <cstring>

namespace trellis::sys {
namespace {

struct Known {
  std::string_view vendor;
  std::string_view name;
};
constexpr std::array kHypervisors{
    Known{"KVMKVMKVM", "kvm"},           Known{"TCGTCGTCGTCG", "qemu"},
    Known{"Microsoft Hv", "hyperv"},     Known{"VMwareVMware", "vmware"},
    Known{"XenVMMXenVMM", "xen"},        Known{"bhyve bhyve ", "bhyve"},
    Known{"VBoxVBoxVBox", "virtualbox"}, Known{" lrpepyh  vr", "parallels"},
    Known{"ACRNACRNACRN", "acrn"},
};

#if defined(__x86_64__)
/// What stands in the registers of a processor under a hypervisor; "" without one.
std::string VendorOfHypervisor() {
  constexpr unsigned kFeatures = 1;
  constexpr unsigned kHypervisorBit = 1U << 31U;
  constexpr unsigned kHypervisorLeaf = 0x40000000;
  std::array<unsigned, 4> r{};
  if (__get_cpuid(kFeatures, &r[0], &r[1], &r[2], &r[3]) == 0 || (r[2] & kHypervisorBit) == 0)
    return {};
  __cpuid(kHypervisorLeaf, r[0], r[1], r[2], r[3]);
  std::array<char, 12> text{};
  std::memcpy(text.data(), &r[1], text.size());
  std::string vendor(text.data(), text.size());
  vendor.resize(std::strlen(vendor.c_str()));
  return vendor.empty() ? "unknown" : vendor;
}
#else
std::string VendorOfHypervisor() {
  auto const vendor = ReadFile("/sys/class/dmi/id/sys_vendor");
  return vendor && vendor->starts_with("QEMU") ? "KVMKVMKVM" : "";
}
#endif

std::uint64_t Established(char const* file) {
  auto const text = ReadFile(file);
  if (!text) return 0;  // no such protocol here
  constexpr std::string_view kEstablished = "01";
  std::uint64_t count = 0;
  for (std::size_t at = text->find('\n'); at != std::string::npos; at = text->find('\n', at + 1)) {
    // "   0: <local>:<port> <remote>:<port> <state> …"
    auto field = text->find(": ", at);
    for (int skip = 0; skip < 2 && field != std::string::npos; ++skip)
      field = text->find(' ', field + 2);
    if (field != std::string::npos && text->compare(field + 1, 2, kEstablished) == 0) ++count;
  }
  return count;
}

}  // namespace

std::string Hypervisor() {
  auto vendor = VendorOfHypervisor();
  for (auto const& known : kHypervisors) {
    if (vendor == known.vendor) return std::string(known.name);
  }
  return vendor;
}

std::uint64_t TcpConnections() {
  return Established("/proc/self/net/tcp") + Established("/proc/self/net/tcp6");
}

}  // namespace trellis::sys
