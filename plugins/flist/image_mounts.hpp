// Images that are mounted instead of unpacked: rfs files and squashfs.
//
// Each is mounted once, read-only, at `<run_dir>/ro/<key>`; users get views of that. The mount of
// an rfs file is served by a process of its own, which outlives the plugin.
#pragma once

#include "plugins/common/posix/mounts.hpp"
#include "plugins/flist/busy_keys.hpp"
#include "plugins/flist/config.hpp"
#include "plugins/flist/images.hpp"

#include <trellis/host.hpp>
#include <trellis/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace trellis::plugins::flist {

struct MountedImage {
  std::string path;
  std::uint64_t device = 0;  ///< of the mount; another one after it was mounted anew
};

/// Thread-safe.
class ImageMounts {
 public:
  /// `cache`: directory of the blocks of rfs images.
  ImageMounts(Host host, FlistConfig const& config, std::string cache);

  /// The tree of a mountable image, mounted when it is not. kUnavailable when the file server does
  /// not come up, kUnsupported when the kernel lacks the file system, kCancelled.
  Result<MountedImage> Ensure(Call& call, Image const& image);
  /// Unmounts and ends the file server. OK when there is none.
  Result<void> Release(Call& call, std::string const& key);
  /// Keys of what is mounted.
  Result<std::vector<std::string>> Mounted() const;
  [[nodiscard]] std::string TargetOf(std::string const& key) const;
  /// Of the image whose file server has this name.
  [[nodiscard]] static std::string KeyOf(std::string_view process);
  [[nodiscard]] std::string const& program() const { return program_; }

 private:
  Result<std::optional<MountEntry>> MountOf(std::string const& key) const;
  /// Is it the mount of the server that runs?
  Result<bool> IsServed(std::string const& key, MountEntry const& mount) const;
  Result<std::optional<std::uint64_t>> ServedDevice(std::string const& key) const;
  Result<void> Detach(std::string const& key) const;
  Result<void> StartServer(Call& call, Image const& image);
  Result<void> AwaitServer(Call& call, std::string const& key);

  Host host_;
  FlistConfig const& config_;
  std::string cache_;
  std::string program_;
  BusyKeys busy_;
};

}  // namespace trellis::plugins::flist
