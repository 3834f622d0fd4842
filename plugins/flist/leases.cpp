#include "plugins/flist/leases.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/mounts.hpp"
#include "plugins/flist/mounter.hpp"
#include "plugins/flist/root_lookup.hpp"

#include <sys/mount.h>

#include <algorithm>

namespace trellis::plugins::flist {

namespace {

constexpr std::string_view kRecordPrefix = "lease/";

struct StoredLease {
  services::FlistMountRequest request;
  services::FlistMount reply;
  std::string key;
  std::uint64_t device = 0;  ///< of the mount that it shows; 0 = of no mount of an image
  bool lost = false;         ///< its own mount went, and another one could not be made yet
};
BOOST_DESCRIBE_STRUCT(StoredLease, (), (request, reply, key, device, lost))

Result<std::string> LeaseName(std::string const& owner, std::string const& slot) {
  if (!IsSafeName(slot)) return Fail(Code::kInvalid, "slot '{}' is not valid", slot);
  TRELLIS_TRY(auto const name, OwnerToName(owner));
  return name + ":" + slot;
}

bool SameMount(services::FlistMountRequest const& a, services::FlistMountRequest const& b) {
  return a.url == b.url && a.mode == b.mode && a.upper == b.upper;
}

Result<void> CheckRequest(services::FlistMountRequest const& request) {
  if (request.mode != "ro" && request.mode != "rw")
    return Fail(Code::kInvalid, "mode '{}' is neither ro nor rw", request.mode);
  if (request.mode == "rw" && !request.upper.starts_with('/'))
    return Fail(Code::kInvalid, "upper directory '{}' is not absolute", request.upper);
  return {};
}

}  // namespace

struct Leases::Record : StoredLease {};

std::string Leases::TargetOf(std::string const& name) const {
  return host_.run_dir() + "/mnt/" + name;
}

std::optional<Leases::Record> Leases::ReadRecord(std::string const& name) const {
  auto const text = host_.StoreGet(std::string(kRecordPrefix) + name);
  if (!text) return std::nullopt;
  auto record = json::Parse<StoredLease>(*text);
  if (!record) return std::nullopt;
  return Record{*std::move(record)};
}

Result<services::FlistMount> Leases::Mount(Call& call, services::FlistMountRequest const& request) {
  TRELLIS_CHECK(CheckRequest(request));
  TRELLIS_TRY(auto const name, LeaseName(request.owner, request.slot));
  auto done = DoMount(call, request, name);
  if (!done) return tl::unexpected<Error>(std::move(done).error().With("failed to mount flist"));
  return done;
}

Result<services::FlistMount> Leases::DoMount(Call& call, services::FlistMountRequest const& request,
                                             std::string const& name) {
  auto const target = TargetOf(name);
  std::shared_lock const in_use(using_);
  TRELLIS_TRY(auto const mounted, FindMount(target));
  if (mounted.has_value()) {
    auto const record = ReadRecord(name);
    if (record.has_value() && SameMount(record->request, request)) {
      TRELLIS_CHECK(RepairOne(call, name, *record));
      return record->reply;
    }
    TRELLIS_CHECK(plugins::Unmount(target));
  }
  TRELLIS_TRY(auto image, images_.Ensure(call, request.url));
  Record lease;
  lease.request = request;
  lease.key = image.key;
  lease.reply.path = target;
  lease.reply.hash = image.hash;
  TRELLIS_CHECK(Attach(call, image, lease));
  lease.reply.entrypoint = std::move(image.config.entrypoint);
  lease.reply.env = std::move(image.config.env);
  lease.reply.cwd = std::move(image.config.cwd);
  lease.reply.user = std::move(image.config.user);
  TRELLIS_CHECK(host_.StorePut(std::string(kRecordPrefix) + name, json::Dump<StoredLease>(lease)));
  return std::move(lease.reply);
}

Result<void> Leases::Attach(Call& call, Image const& image, Record& record) {
  auto root = image.root;
  if (IsMountable(image.format)) {
    TRELLIS_TRY(auto mounted, mounts_.Ensure(call, image));
    root = std::move(mounted.path);
    record.device = mounted.device;
  }
  TRELLIS_TRY(record.reply.kind, DetectKind(root));
  auto const& target = record.reply.path;
  TRELLIS_CHECK(MakeDirs(target, 0711));
  return record.request.mode == "ro" ? MountReadOnly(root, target)
                                     : MountOverlay(root, record.request.upper, target);
}

// An overlay answers from its own directory whatever became of the image below, so the image's
// mount is compared with the one that the lease was made of.
Result<void> Leases::RepairOne(Call& call, std::string const& name, Record record) {
  if (record.device == 0) return {};
  TRELLIS_TRY(auto const image, images_.Kept(record.key));
  TRELLIS_TRY(auto const now, mounts_.Ensure(call, image));
  if (now.device == record.device && !record.lost) return {};
  host_.Warn("the file server of an image has ended, mounting it again",
             {{"lease", json::Encode(name)}});
  if (!record.lost && ::umount2(record.reply.path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
    return FailErrno("unmount '{}'", record.reply.path);
  auto attached = Attach(call, image, record);
  record.lost = !attached.has_value();
  TRELLIS_CHECK(host_.StorePut(std::string(kRecordPrefix) + name, json::Dump<StoredLease>(record)));
  return attached;
}

void Leases::Repair(Call& call, std::string const& key) {
  auto const names = host_.StoreList(kRecordPrefix);
  if (!names) return;
  std::shared_lock const in_use(using_);
  for (auto const& stored : *names) {
    auto const name = stored.substr(kRecordPrefix.size());
    auto const record = ReadRecord(name);
    if (!record || (!key.empty() && record->key != key)) continue;
    auto const mounted = FindMount(record->reply.path);
    bool const there = mounted && mounted->has_value();
    if (!there && !record->lost) continue;  // its user mounts it when it comes back
    if (auto const done = RepairOne(call, name, *record); !done)
      host_.Warn("image not mounted again, trying later",
                 {{"lease", json::Encode(name)}, {"error", json::Encode(done.error().message)}});
  }
}

Result<void> Leases::ReleaseUnused(Call& call, std::chrono::seconds linger) {
  TRELLIS_TRY(auto const mounted, mounts_.Mounted());
  auto const now = std::chrono::steady_clock::now();
  std::unique_lock const alone(using_);
  TRELLIS_TRY(auto const used, KeysInUse());
  std::erase_if(unused_since_, [&](auto const& entry) { return used.contains(entry.first); });
  for (auto const& key : mounted) {
    if (used.contains(key)) continue;
    auto const since = unused_since_.emplace(key, now).first->second;
    if (now - since < linger) continue;
    TRELLIS_CHECK(mounts_.Release(call, key));
    unused_since_.erase(key);
  }
  return {};
}

Result<void> Leases::Unmount(services::FlistLease const& lease) {
  TRELLIS_TRY(auto const name, LeaseName(lease.owner, lease.slot));
  auto const target = TargetOf(name);
  TRELLIS_CHECK(plugins::Unmount(target));
  if (::rmdir(target.c_str()) != 0 && errno != ENOENT) return FailErrno("remove '{}'", target);
  return host_.StoreRemove(std::string(kRecordPrefix) + name);
}

Result<services::FlistLeases> Leases::List() const {
  services::FlistLeases out;
  TRELLIS_TRY(auto const mounts, ReadMounts());
  auto const prefix = RealPath(host_.run_dir() + "/mnt") + "/";
  std::set<std::string> names;
  for (auto const& mount : mounts) {
    if (mount.target.starts_with(prefix)) names.insert(mount.target.substr(prefix.size()));
  }
  for (auto const& name : names) {
    auto const colon = name.rfind(':');
    if (colon == std::string::npos) continue;
    out.leases.push_back({NameToOwner(name.substr(0, colon)), name.substr(colon + 1)});
  }
  return out;
}

Result<void> Leases::Release(std::vector<std::string> const& owners) {
  std::set<std::string_view> const known(owners.begin(), owners.end());
  TRELLIS_TRY(auto const all, List());
  for (auto const& lease : all.leases) {
    if (lease.owner.starts_with('@') || known.contains(lease.owner)) continue;
    TRELLIS_CHECK(Unmount(lease));
  }
  return {};
}

Result<std::set<std::string>> Leases::KeysInUse() const {
  std::set<std::string> keys;
  TRELLIS_TRY(auto const names, host_.StoreList(kRecordPrefix));
  for (auto const& name : names) {
    auto const record = ReadRecord(name.substr(kRecordPrefix.size()));
    if (record.has_value()) keys.insert(record->key);
  }
  return keys;
}

}  // namespace trellis::plugins::flist
