#include "plugins/zmachine/resources.hpp"

namespace trellis::plugins::zmachine {

using services::kImageFlist;
using services::kNetAttach;
using services::kNetNamespace;
using services::kNetPublic;
using services::kStorageDisk;
using services::kStorageVolume;

template <class Request>
Result<void> Resources::Tell(Call const& call, char const* service, char const* method,
                             Request const& request) {
  TRELLIS_TRY(auto const reply,
              host_.CallService(call, service, method, std::string_view(json::Dump(request))));
  (void)reply;
  return {};
}

Result<services::Attachment> Resources::Attach(Call const& call,
                                               services::AttachPrivate const& request) {
  return host_.CallService<services::Attachment>(call, kNetAttach, "private", request);
}

Result<services::Attachment> Resources::AttachPublic(Call const& call,
                                                     services::AttachPublic const& request) {
  return host_.CallService<services::Attachment>(call, kNetAttach, "public", request);
}

Result<void> Resources::CheckPublic(Call const& call) {
  TRELLIS_TRY(auto const support, host_.CallService<services::PublicSupport>(
                                      call, kNetPublic, "support", json::Nothing{}));
  if (support.ipv4 || support.ipv6) return {};
  return Fail(Code::kUnsupported, "public ipv4 is requested, but not supported on this node");
}

Result<void> Resources::Detach(Call const& call, std::string const& id) {
  auto outer = Tell(call, kNetAttach, "detach", services::Detach{id, kPublicSlot});
  TRELLIS_CHECK(Tell(call, kNetAttach, "detach", services::Detach{id, kPrivateSlot}));
  return outer;
}

bool Resources::HasNetwork(Call const& call, std::string const& network) {
  auto const found = host_.CallService<services::NamespaceInfo>(
      call, kNetNamespace, "lookup", services::NamespaceLookup{call.twin_id(), network});
  return found || found.error().code != Code::kNotFound;
}

Result<services::FlistMount> Resources::MountImage(Call const& call, std::string const& id,
                                                   std::string const& url) {
  auto mounted = host_.CallService<services::FlistMount>(
      call, kImageFlist, "mount", services::FlistMountRequest{id, kImageSlot, url, "ro", ""});
  if (!mounted)
    return tl::unexpected<Error>(std::move(mounted).error().With("failed to mount flist"));
  return mounted;
}

Result<services::FlistMount> Resources::MountRoot(Call const& call, std::string const& id,
                                                  std::string const& url,
                                                  std::string const& upper) {
  auto mounted = host_.CallService<services::FlistMount>(
      call, kImageFlist, "mount", services::FlistMountRequest{id, kRootSlot, url, "rw", upper});
  if (!mounted)
    return tl::unexpected<Error>(std::move(mounted).error().With("failed to mount flist"));
  return mounted;
}

Result<void> Resources::Unmount(Call const& call, std::string const& id, char const* slot) {
  return Tell(call, kImageFlist, "unmount", services::FlistLease{id, slot});
}

Result<services::Volume> Resources::EnsureVolume(Call const& call, std::string const& id,
                                                 std::uint64_t size) {
  services::VolumeRequest const request{id, kVolumeSlot, size};
  TRELLIS_TRY(auto volume,
              host_.CallService<services::Volume>(call, kStorageVolume, "create", request));
  if (volume.size >= size) return volume;
  return host_.CallService<services::Volume>(call, kStorageVolume, "update", request);
}

Result<services::Volume> Resources::FindVolume(Call const& call, std::string const& id) {
  return host_.CallService<services::Volume>(call, kStorageVolume, "lookup",
                                             services::VolumeRequest{id, kVolumeSlot, 0});
}

Result<void> Resources::DeleteVolume(Call const& call, std::string const& id) {
  return Tell(call, kStorageVolume, "delete", services::VolumeRequest{id, kVolumeSlot, 0});
}

Result<services::Disk> Resources::FindDisk(Call const& call, std::string const& disk) {
  return host_.CallService<services::Disk>(call, kStorageDisk, "lookup",
                                           services::DiskRequest{disk, 0});
}

Result<void> Resources::FormatDisk(Call const& call, std::string const& disk,
                                   std::string const& fs) {
  return Tell(call, kStorageDisk, "format", services::DiskFormat{disk, fs});
}

Result<void> Resources::WriteImage(Call const& call, services::DiskImage const& request) {
  return Tell(call, kStorageDisk, "write_image", request);
}

Result<void> Resources::ClaimDisk(Call const& call, std::string const& disk,
                                  std::string const& machine) {
  return Tell(call, kStorageDisk, "claim", services::DiskClaim{disk, machine});
}

Result<void> Resources::UnclaimDisk(Call const& call, std::string const& disk,
                                    std::string const& machine) {
  auto done = Tell(call, kStorageDisk, "unclaim", services::DiskClaim{disk, machine});
  if (!done && done.error().code == Code::kNotFound) return {};
  return done;
}

}  // namespace trellis::plugins::zmachine
