#include "plugins/storage/disks.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/storage/disk_file.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <set>

namespace trellis::plugins::storage {

namespace {

std::string ClaimKey(std::string_view owner) {
  return fmt::format("claims/{}", owner);
}
std::string ImageKey(std::string_view owner) {
  return fmt::format("image/{}", owner);
}
// Present while an image is being written: a signature on the disk then means nothing.
std::string WritingKey(std::string_view owner) {
  return fmt::format("writing/{}", owner);
}

}  // namespace

Result<Disks::Found> Disks::Find(std::string_view owner) const {
  TRELLIS_TRY(auto const name, OwnerToName(owner));
  for (auto const& pool : pools_.list()) {
    if (!pool.usable()) continue;
    auto path = pool.disk_dir() + "/" + name;
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) continue;
    if (!S_ISREG(info.st_mode)) return Fail(Code::kIo, "disk '{}' is not a regular file", owner);
    return Found{&pool, std::move(path), static_cast<std::uint64_t>(info.st_size)};
  }
  return Fail(Code::kNotFound, "no disk of '{}'", owner);
}

bool Disks::HalfWritten(std::string_view owner) const {
  return host_.StoreGet(WritingKey(owner)).has_value();
}

Result<services::Disk> Disks::Describe(std::string_view owner, Found const& found) const {
  services::Disk disk;
  disk.owner = owner;
  disk.path = found.path;
  disk.size = found.size;
  TRELLIS_TRY(bool const signed_disk, HasSignature(found.path));
  disk.formatted = signed_disk && !HalfWritten(owner);
  disk.image_hash = host_.StoreGet(ImageKey(owner)).value_or("");
  TRELLIS_TRY(disk.claims, Claims(owner));
  return disk;
}

Result<services::Disk> Disks::Create(services::DiskRequest const& request) {
  if (request.size == 0) return Fail(Code::kInvalid, "disk size is zero");
  TRELLIS_TRY(auto const name, OwnerToName(request.owner));
  std::lock_guard const lock(placement_);
  if (auto const found = Find(request.owner); found) return Describe(request.owner, *found);
  TRELLIS_TRY(auto const* pool, pools_.Choose("ssd", request.size, Purpose::kDisk));
  auto made = MakeDiskFile(pool->disk_dir(), name, request.size, config_.disk_user);
  if (!made && made.error().code == Code::kExhausted)
    return Fail(Code::kExhausted, "not enough space left in pools of this type ssd");
  TRELLIS_CHECK(made);
  TRELLIS_TRY(auto const found, Find(request.owner));
  return Describe(request.owner, found);
}

Result<services::Disk> Disks::Lookup(std::string_view owner) const {
  TRELLIS_TRY(auto const found, Find(owner));
  return Describe(owner, found);
}

Result<services::Disk> Disks::Resize(services::DiskRequest const& request) {
  std::lock_guard const lock(placement_);
  TRELLIS_TRY(auto found, Find(request.owner));
  if (request.size < found.size) return Fail(Code::kInvalid, "not safe to shrink a disk");
  if (request.size > found.size) {
    TRELLIS_CHECK(Pools::CheckRoom(*found.pool, request.size - found.size));
    TRELLIS_CHECK(GrowDiskFile(found.path, found.size, request.size));
    found.size = request.size;
  }
  return Describe(request.owner, found);
}

Result<services::Disk> Disks::Format(services::DiskFormat const& request) {
  TRELLIS_TRY(auto const found, Find(request.owner));
  TRELLIS_TRY(auto disk, Describe(request.owner, found));
  if (disk.formatted) return disk;
  TRELLIS_CHECK(MakeFileSystem(found.path, request.fs.empty() ? config_.disk_fs : request.fs));
  TRELLIS_CHECK(host_.StoreRemove(WritingKey(request.owner)));
  return Describe(request.owner, found);
}

Result<services::Disk> Disks::WriteImage(Call& call, services::DiskImage const& request) {
  TRELLIS_TRY(auto const found, Find(request.owner));
  TRELLIS_TRY(auto disk, Describe(request.owner, found));
  if (disk.formatted) return disk;
  TRELLIS_CHECK(CheckImageFits(request.source, found.size));
  TRELLIS_CHECK(host_.StorePut(WritingKey(request.owner), request.hash));
  TRELLIS_CHECK(CopyImage(call, request.source, found.path));
  if (request.grow)
    TRELLIS_CHECK(
        GrowFileSystem(found.path, host_.run_dir() + "/grow-" + std::to_string(call.id())));
  TRELLIS_CHECK(host_.StorePut(ImageKey(request.owner), request.hash));
  TRELLIS_CHECK(host_.StoreRemove(WritingKey(request.owner)));
  return Describe(request.owner, found);
}

Result<std::vector<std::string>> Disks::Claims(std::string_view owner) const {
  auto const text = host_.StoreGet(ClaimKey(owner));
  if (!text && text.error().code == Code::kNotFound) return std::vector<std::string>{};
  TRELLIS_CHECK(text);
  return json::Parse<std::vector<std::string>>(*text);
}

Result<void> Disks::StoreClaims(std::string_view owner,
                                std::vector<std::string> const& claims) const {
  if (claims.empty()) return host_.StoreRemove(ClaimKey(owner));
  return host_.StorePut(ClaimKey(owner), json::Dump(claims));
}

Result<services::Disk> Disks::Claim(services::DiskClaim const& request) {
  if (!IsSafeName(request.by)) return Fail(Code::kInvalid, "'{}' cannot claim a disk", request.by);
  TRELLIS_TRY(auto const found, Find(request.owner));
  {
    std::lock_guard const lock(claims_);
    TRELLIS_TRY(auto claims, Claims(request.owner));
    if (std::ranges::find(claims, request.by) == claims.end()) {
      claims.push_back(request.by);
      TRELLIS_CHECK(StoreClaims(request.owner, claims));
    }
  }
  return Describe(request.owner, found);
}

Result<void> Disks::Unclaim(services::DiskClaim const& request) {
  std::lock_guard const lock(claims_);
  TRELLIS_TRY(auto claims, Claims(request.owner));
  if (std::erase(claims, request.by) == 0) return {};
  return StoreClaims(request.owner, claims);
}

Result<void> Disks::Delete(std::string_view owner) {
  std::lock_guard const lock(placement_);
  auto const found = Find(owner);
  if (!found && found.error().code != Code::kNotFound) return tl::unexpected<Error>(found.error());
  if (found && ::unlink(found->path.c_str()) != 0 && errno != ENOENT)
    return FailErrno("delete disk '{}'", owner);
  TRELLIS_CHECK(host_.StoreRemove(ImageKey(owner)));
  TRELLIS_CHECK(host_.StoreRemove(WritingKey(owner)));
  return host_.StoreRemove(ClaimKey(owner));
}

Result<services::DiskList> Disks::List() const {
  services::DiskList list;
  for (auto const& pool : pools_.list()) {
    if (!pool.usable()) continue;
    TRELLIS_TRY(auto const names, ListDir(pool.disk_dir()));
    for (auto const& name : names) {
      auto const disk = Lookup(NameToOwner(name));
      if (disk) list.disks.push_back(*disk);
    }
  }
  return list;
}

Result<void> Disks::Release(std::vector<std::string> const& owners) {
  std::set<std::string_view> const known(owners.begin(), owners.end());
  auto const gone = [&](std::string_view id) {
    return !id.starts_with('@') && !known.contains(id);
  };
  TRELLIS_TRY(auto const all, List());
  for (auto const& disk : all.disks) {
    if (gone(disk.owner)) {
      TRELLIS_CHECK(Delete(disk.owner));
      continue;
    }
    for (auto const& by : disk.claims) {
      if (gone(by)) TRELLIS_CHECK(Unclaim({disk.owner, by}));
    }
  }
  return {};
}

}  // namespace trellis::plugins::storage
