#include "plugins/storage/devices.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/storage/btrfs.hpp"

#include <algorithm>

namespace trellis::plugins::storage {

namespace {

tl::unexpected<Error> NoneLeft(std::string const& kind) {
  return Fail(Code::kExhausted, "no free pool of type {}", kind);
}

Result<std::string> DeviceName(std::string_view owner) {
  if (!owner.starts_with('@')) return Fail(Code::kInvalid, "'{}' is no plugin's owner name", owner);
  return OwnerToName(owner);
}

bool IsFree(Pool const& pool, PoolContent const& content) {
  bool const empty = !content.has_disks && !content.has_volumes && content.share == 0;
  return !content.lent && empty && pool.hdd_share == 0;
}

}  // namespace

Result<services::DeviceList> Devices::List() const {
  services::DeviceList list;
  for (auto const& pool : pools_.list()) {
    if (!pool.usable()) continue;
    TRELLIS_TRY(auto const names, ListDir(pool.root));
    for (auto const& name : names) {
      auto const colon = name.find(':');
      if (colon == std::string::npos) continue;
      bool const whole = name.substr(0, colon) == kWholeSlot;
      if (!whole && name.substr(0, colon) != kShareSlot) continue;
      list.devices.push_back({pool.config.name, NameToOwner(name.substr(colon + 1)),
                              pool.root + "/" + name, whole ? pool.size : pool.hdd_share});
    }
  }
  return list;
}

Result<services::Device> Devices::Lookup(std::string_view owner) const {
  TRELLIS_TRY(auto const list, List());
  auto const found = std::ranges::find(list.devices, owner, &services::Device::owner);
  if (found == list.devices.end()) return Fail(Code::kNotFound, "no device of '{}'", owner);
  return *found;
}

Result<services::Device> Devices::Allocate(services::DeviceRequest const& request) {
  TRELLIS_TRY(auto const name, DeviceName(request.owner));
  if (request.kind != "ssd" && request.kind != "hdd")
    return Fail(Code::kInvalid, "kind '{}' is neither ssd nor hdd", request.kind);
  std::lock_guard const lock(placement_);
  auto found = Lookup(request.owner);
  if (!found && found.error().code != Code::kNotFound) return found;
  bool const share = found && found->path.ends_with(fmt::format("{}:{}", kShareSlot, name));
  if (found && !share) return found;
  if (!share) {
    auto lent = LendPool(request, name);
    if (lent || lent.error().code != Code::kExhausted || request.kind != "hdd") return lent;
  }
  return LendShare(request, name);  // sets the limit again: an earlier call may have been cut short
}

Result<services::Device> Devices::LendPool(services::DeviceRequest const& request,
                                           std::string const& name) const {
  for (auto const& pool : pools_.list()) {
    if (!pool.usable() || pool.config.type != request.kind || pool.size < request.min_size)
      continue;
    TRELLIS_TRY(auto const content, Pools::ReadContent(pool));
    // The last ssd pool is for disks unless the operator says otherwise.
    if (!IsFree(pool, content) || (request.kind == "ssd" && !pool.config.lend)) continue;
    auto const directory = fmt::format("{}:{}", kWholeSlot, name);
    TRELLIS_CHECK(CreateSubvolume(pool.root, directory));
    return services::Device{pool.config.name, request.owner, pool.root + "/" + directory,
                            pool.size};
  }
  return NoneLeft(request.kind);
}

Result<services::Device> Devices::LendShare(services::DeviceRequest const& request,
                                            std::string const& name) const {
  auto const directory = fmt::format("{}:{}", kShareSlot, name);
  for (auto const& pool : pools_.list()) {
    if (!pool.usable() || pool.hdd_share == 0 || pool.hdd_share < request.min_size) continue;
    TRELLIS_TRY(auto const content, Pools::ReadContent(pool));
    auto const path = pool.root + "/" + directory;
    if (content.share != 0 && !SubvolumeId(path)) continue;
    TRELLIS_CHECK(CreateSubvolume(pool.root, directory));
    TRELLIS_CHECK(SetLimit(path, pool.hdd_share));
    return services::Device{pool.config.name, request.owner, path, pool.hdd_share};
  }
  return NoneLeft(request.kind);
}

Result<void> Devices::Release(std::string_view owner) {
  TRELLIS_TRY(auto const name, DeviceName(owner));
  std::lock_guard const lock(placement_);
  for (auto const& pool : pools_.list()) {
    if (!pool.usable()) continue;
    TRELLIS_CHECK(DeleteSubvolume(pool.root, fmt::format("{}:{}", kWholeSlot, name)));
    TRELLIS_CHECK(DeleteSubvolume(pool.root, fmt::format("{}:{}", kShareSlot, name)));
  }
  return {};
}

}  // namespace trellis::plugins::storage
