#include "plugins/storage/volumes.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/storage/btrfs.hpp"

#include <algorithm>
#include <set>

namespace trellis::plugins::storage {

namespace {

bool IsDeviceSlot(std::string_view slot) {
  return slot == kWholeSlot || slot == kShareSlot;
}

Result<std::string> DirName(services::VolumeRequest const& request) {
  if (!IsSafeName(request.slot) || IsDeviceSlot(request.slot))
    return Fail(Code::kInvalid, "slot '{}' is not valid", request.slot);
  TRELLIS_TRY(auto const owner, OwnerToName(request.owner));
  return request.slot + ":" + owner;
}

}  // namespace

Result<Volumes::Found> Volumes::Find(services::VolumeRequest const& request) const {
  TRELLIS_TRY(auto const name, DirName(request));
  for (auto const& pool : pools_.list()) {
    if (!pool.usable()) continue;
    auto const path = pool.root + "/" + name;
    auto const id = SubvolumeId(path);
    if (!id && id.error().code == Code::kNotFound) continue;
    TRELLIS_CHECK(id);
    TRELLIS_TRY(auto const limits, ReadLimits(pool.root));
    auto const limit = limits.find(*id);
    services::Volume volume{request.owner, request.slot, path, 0};
    if (limit != limits.end()) volume.size = limit->second;
    return Found{&pool, std::move(volume)};
  }
  return Fail(Code::kNotFound, "no volume '{}' of '{}'", request.slot, request.owner);
}

Result<services::Volume> Volumes::Create(services::VolumeRequest const& request) {
  if (request.size == 0) return Fail(Code::kInvalid, "volume size is zero");
  TRELLIS_TRY(auto const name, DirName(request));
  std::lock_guard const lock(placement_);
  auto found = Find(request);
  if (!found && found.error().code != Code::kNotFound) return tl::unexpected<Error>(found.error());
  // Without a limit: an earlier call was cut short.
  if (found && found->volume.size != 0) return std::move(found->volume);
  TRELLIS_TRY(auto const* pool, pools_.Choose("ssd", request.size, Purpose::kVolume));
  if (found) pool = found->pool;
  TRELLIS_CHECK(CreateSubvolume(pool->root, name));
  TRELLIS_CHECK(SetLimit(pool->root + "/" + name, request.size));
  return services::Volume{request.owner, request.slot, pool->root + "/" + name, request.size};
}

Result<services::Volume> Volumes::Update(services::VolumeRequest const& request) {
  if (request.size == 0) return Fail(Code::kInvalid, "volume size is zero");
  std::lock_guard const lock(placement_);
  TRELLIS_TRY(auto found, Find(request));
  if (request.size > found.volume.size)
    TRELLIS_CHECK(Pools::CheckRoom(*found.pool, request.size - found.volume.size));
  TRELLIS_CHECK(SetLimit(found.volume.path, request.size));
  found.volume.size = request.size;
  return std::move(found.volume);
}

Result<services::Volume> Volumes::Lookup(services::VolumeRequest const& request) const {
  TRELLIS_TRY(auto found, Find(request));
  return std::move(found.volume);
}

Result<void> Volumes::Delete(services::VolumeRequest const& request) {
  TRELLIS_TRY(auto const name, DirName(request));
  std::lock_guard const lock(placement_);
  for (auto const& pool : pools_.list()) {
    if (pool.usable()) TRELLIS_CHECK(DeleteSubvolume(pool.root, name));
  }
  return {};
}

Result<services::VolumeList> Volumes::List() const {
  services::VolumeList list;
  for (auto const& pool : pools_.list()) {
    if (!pool.usable()) continue;
    TRELLIS_TRY(auto const limits, ReadLimits(pool.root));
    TRELLIS_TRY(auto const names, ListDir(pool.root));
    for (auto const& name : names) {
      auto const colon = name.find(':');
      auto const id = SubvolumeId(pool.root + "/" + name);
      if (colon == std::string::npos || !id || IsDeviceSlot(name.substr(0, colon))) continue;
      auto const limit = limits.find(*id);
      list.volumes.push_back({NameToOwner(name.substr(colon + 1)), name.substr(0, colon),
                              pool.root + "/" + name, limit == limits.end() ? 0 : limit->second});
    }
  }
  return list;
}

Result<void> Volumes::Release(std::vector<std::string> const& owners) {
  std::set<std::string_view> const known(owners.begin(), owners.end());
  TRELLIS_TRY(auto const all, List());
  for (auto const& volume : all.volumes) {
    if (volume.owner.starts_with('@') || known.contains(volume.owner)) continue;
    TRELLIS_CHECK(Delete({volume.owner, volume.slot, 0}));
  }
  return {};
}

}  // namespace trellis::plugins::storage
