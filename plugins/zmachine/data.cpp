#include "plugins/zmachine/data.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace trellis::plugins::zmachine {
namespace {

constexpr std::size_t kMaxName = 36;
constexpr std::size_t kMyceliumSeedSize = 6;
constexpr std::array<std::string_view, 3> kReservedNetworks = {"ygg", "pub", "mycelium"};

bool IsName(std::string_view text) {
  auto const legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && text.size() <= kMaxName && std::ranges::all_of(text, legal) &&
         text != "ygg";
}

struct OldResult {
  std::string ygg_ip;
};
BOOST_DESCRIBE_STRUCT(OldResult, (), (ygg_ip))

}  // namespace

Result<void> Machine::Valid(WorkloadGetter const& getter) const {
  if (network.interfaces.size() != 1)
    return Invalid("vm_interfaces", "a machine has exactly one private network, not {}",
                   network.interfaces.size());
  auto const& interface = network.interfaces.front();
  if (interface.ip.empty()) return Invalid("vm_ip", "the machine's interface has no ip address");
  if (compute_capacity.cpu == 0) return Invalid("vm_cpu", "cpu capacity can't be 0");
  if (compute_capacity.memory < kMinMemory)
    return Invalid("vm_memory", "memory cannot be less than 250 MiB");
  if (size != 0 && size < MinRoot())
    return Invalid("vm_disk", "a root disk of {} bytes is less than this machine's least, {}", size,
                   MinRoot());
  TRELLIS_CHECK(ValidPublicIp(getter));
  if (std::ranges::find(kReservedNetworks, interface.network) != kReservedNetworks.end())
    return Invalid("vm_reserved_network", "'{}' is a reserved network name", interface.network);
  if (network.mycelium.has_value() && network.mycelium->hex_seed.bytes.size() != kMyceliumSeedSize)
    return Invalid("vm_mycelium_seed", "invalid mycelium seed length, expected {} bytes",
                   kMyceliumSeedSize);
  return {};
}

Result<void> Machine::ValidPublicIp(WorkloadGetter const& getter) const {
  if (network.public_ip.empty()) return {};
  auto const missing = [this] {
    return Invalid("vm_public_ip_missing", "public ip '{}' is not found", network.public_ip);
  };
  if (!IsName(network.public_ip)) return missing();
  auto const found = getter.Get(network.public_ip);
  if (!found) return missing();
  if (found->type != "ip" && found->type != "ipv4")
    return Invalid("vm_public_ip_type", "workload '{}' is not a public ip", network.public_ip);
  static constexpr std::array<std::string_view, 1> kTypes = {"zmachine"};
  TRELLIS_TRY(auto const machines, getter.ByType(kTypes));
  std::size_t users = 0;
  for (auto const& machine : machines) {
    auto const other = machine.data.As<Machine>();
    if (!other) continue;  // refused on its own account
    if (other->network.public_ip == network.public_ip) ++users;
  }
  if (users > 1)
    return Invalid("vm_public_ip_shared", "public ip '{}' is used by more than one machine",
                   network.public_ip);
  return {};
}

// Interfaces come before mycelium whatever the declaration order, and corex is not part of it: this
// is what existing clients sign.
void Machine::Challenge(ChallengeWriter& out) const {
  out.Add(flist);
  out.Add(network.public_ip);
  out.Add(network.planetary);
  for (auto const& interface : network.interfaces) {
    out.Add(interface.network);
    out.Add(interface.ip);
  }
  if (network.mycelium.has_value()) {
    out.Add(network.mycelium->network);
    out.Add(network.mycelium->hex_seed);
  }
  out.Add(size);
  out.Add(compute_capacity.cpu);
  out.Add(compute_capacity.memory);
  for (auto const& mount : mounts) {
    out.Add(mount.name);
    out.Add(mount.mountpoint);
  }
  out.Add(entrypoint);
  for (auto const& [key, value] : env) {  // std::string compares bytes as unsigned: memcmp order
    out.Add(key);
    out.Add("=");
    out.Add(value);
  }
  for (auto const& device : gpu)
    out.Add(device);
}

trellis::Capacity Machine::Capacity() const {
  trellis::Capacity capacity;
  capacity.cru = compute_capacity.cpu;
  capacity.mru = compute_capacity.memory;
  capacity.sru = RootSize();
  return capacity;
}

std::vector<std::string> Machine::Dependencies() const {
  std::vector<std::string> names;
  auto const add = [&names](std::string const& name) {
    if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
  };
  for (auto const& mount : mounts)
    add(mount.name);
  add(network.public_ip);
  for (auto const& interface : network.interfaces)
    add(interface.network);
  if (network.mycelium.has_value()) add(network.mycelium->network);
  return names;
}

std::uint64_t Machine::MinRoot() const {
  // cpu * memory / 8 GiB is at least 1, without the product: no overflow at any memory size.
  static constexpr std::uint64_t kUnit = std::uint64_t{8} << 30;
  if (compute_capacity.cpu == 0) return kSmallRoot;
  std::uint64_t const needed = (kUnit + compute_capacity.cpu - 1) / compute_capacity.cpu;
  return compute_capacity.memory >= needed ? kLargeRoot : kSmallRoot;
}

std::uint64_t Machine::RootSize() const {
  return std::max(size, MinRoot());
}

Result<MachineResult> ReadResult(std::string_view text) {
  TRELLIS_TRY(auto result, json::Parse<MachineResult>(text));
  TRELLIS_TRY(auto old, json::Parse<OldResult>(text));
  if (!old.ygg_ip.empty()) result.planetary_ip = std::move(old.ygg_ip);
  return result;
}

}  // namespace trellis::plugins::zmachine
