// What a machine gets from other plugins: its network, image, root volume and disks.
#pragma once

#include <trellis/sdk.hpp>
#include <trellis/services/image.hpp>
#include <trellis/services/net.hpp>
#include <trellis/services/storage.hpp>

#include <cstdint>
#include <string>

namespace trellis::plugins::zmachine {

inline constexpr char const* kRootSlot = "root";        ///< the writable view of the image
inline constexpr char const* kImageSlot = "image";      ///< the read-only view
inline constexpr char const* kVolumeSlot = "rootfs";    ///< where a machine's writes go
inline constexpr char const* kPrivateSlot = "private";  ///< its tap on the user's network
inline constexpr char const* kPublicSlot = "public";    ///< its tap with public addresses

/// Typed calls of the services, each in the name of one call. Thread-safe.
class Resources {
 public:
  explicit Resources(Host const& host) : host_(host) {}

  Result<services::Attachment> Attach(Call const& call, services::AttachPrivate const& request);
  Result<services::Attachment> AttachPublic(Call const& call,
                                            services::AttachPublic const& request);
  /// kUnsupported when machines cannot have public addresses here.
  Result<void> CheckPublic(Call const& call);
  /// Both taps; the first error, after both were tried.
  Result<void> Detach(Call const& call, std::string const& id);
  /// False when the twin has no such network any more; true also when nobody can tell.
  bool HasNetwork(Call const& call, std::string const& network);

  /// Errors begin with `failed to mount flist`.
  Result<services::FlistMount> MountImage(Call const& call, std::string const& id,
                                          std::string const& url);
  Result<services::FlistMount> MountRoot(Call const& call, std::string const& id,
                                         std::string const& url, std::string const& upper);
  Result<void> Unmount(Call const& call, std::string const& id, char const* slot);

  /// The root volume of at least `size` bytes; grows a smaller one.
  Result<services::Volume> EnsureVolume(Call const& call, std::string const& id,
                                        std::uint64_t size);
  /// kNotFound.
  Result<services::Volume> FindVolume(Call const& call, std::string const& id);
  Result<void> DeleteVolume(Call const& call, std::string const& id);

  Result<services::Disk> FindDisk(Call const& call, std::string const& disk);
  Result<void> FormatDisk(Call const& call, std::string const& disk, std::string const& fs);
  Result<void> WriteImage(Call const& call, services::DiskImage const& request);
  Result<void> ClaimDisk(Call const& call, std::string const& disk, std::string const& machine);
  /// OK when the disk is gone.
  Result<void> UnclaimDisk(Call const& call, std::string const& disk, std::string const& machine);

 private:
  /// For methods whose reply says nothing that is needed.
  template <class Request>
  Result<void> Tell(Call const& call, char const* service, char const* method,
                    Request const& request);
  Host host_;
};

}  // namespace trellis::plugins::zmachine
