#include "plugins/flist/leases.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/mounts.hpp"
#include "plugins/flist/mounter.hpp"
#include "plugins/flist/root_lookup.hpp"

#include <algorithm>

namespace trellis::plugins::flist {

namespace {

constexpr std::string_view kRecordPrefix = "lease/";

struct StoredLease {
  services::FlistMountRequest request;
  services::FlistMount reply;
  std::string key;
};
BOOST_DESCRIBE_STRUCT(StoredLease, (), (request, reply, key))

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
  TRELLIS_TRY(auto const mounted, FindMount(target));
  if (mounted.has_value()) {
    auto const record = ReadRecord(name);
    if (record.has_value() && SameMount(record->request, request)) return record->reply;
    TRELLIS_CHECK(plugins::Unmount(target));
  }
  TRELLIS_TRY(auto image, images_.Ensure(call, request.url));
  StoredLease lease;
  lease.request = request;
  lease.key = image.key;
  TRELLIS_TRY(lease.reply.kind, DetectKind(image.root));
  lease.reply.path = target;
  lease.reply.hash = image.hash;
  lease.reply.entrypoint = std::move(image.config.entrypoint);
  lease.reply.env = std::move(image.config.env);
  lease.reply.cwd = std::move(image.config.cwd);
  lease.reply.user = std::move(image.config.user);
  TRELLIS_CHECK(MakeDirs(target, 0711));
  TRELLIS_CHECK(request.mode == "ro" ? MountReadOnly(image.root, target)
                                     : MountOverlay(image.root, request.upper, target));
  TRELLIS_CHECK(host_.StorePut(std::string(kRecordPrefix) + name, json::Dump(lease)));
  return std::move(lease.reply);
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
