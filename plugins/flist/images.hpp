// Unpacked images, shared by everybody who mounts them.
//
// `<root>/rootfs/<key>/root` is the tree, `image.json` beside it what the image says about itself.
// Images that are mounted as they are have a file `image` instead of the tree.
// A directory with a key for a name is complete and never changes.
#pragma once

#include "plugins/flist/busy_keys.hpp"
#include "plugins/flist/config.hpp"
#include "plugins/flist/digest.hpp"
#include "plugins/flist/download.hpp"
#include "plugins/flist/oci.hpp"
#include "plugins/flist/sniff.hpp"
#include "plugins/flist/source.hpp"

#include <trellis/host.hpp>
#include <trellis/result.hpp>

#include <map>
#include <mutex>
#include <set>
#include <string>

namespace trellis::plugins::flist {

/// Is an image of this kind mounted instead of unpacked?
constexpr bool IsMountable(ImageFormat format) {
  return format == ImageFormat::kRfs || format == ImageFormat::kSquashfs;
}

struct Image {
  std::string key;   ///< BLAKE2b-256 of what it was made from
  std::string hash;  ///< md5 of a file, sha256 of an OCI manifest
  ImageFormat format = ImageFormat::kDirectory;
  std::string root;  ///< the tree, absolute; of a mountable image its file
  ImageConfig config;
};

/// Thread-safe; images are unpacked at the same time, each once.
class Images {
 public:
  Images(FlistConfig const& config, std::string const& dir);

  /// Removes what earlier runs left half done.
  Result<void> Start() const;
  /// The image behind `url`, fetched and unpacked when needed. Errors of Sources, Sniff and the
  /// layout readers.
  Result<Image> Ensure(Call& call, std::string const& url);
  /// An image that Ensure made earlier. kNotFound.
  Result<Image> Kept(std::string const& key) const;
  /// The hash alone, without unpacking.
  Result<std::string> Hash(Call& call, std::string const& url);
  /// Removes the longest unused images outside `in_use` while all together are above the limit.
  Result<void> Collect(std::set<std::string> const& in_use) const;

 private:
  struct Identity {
    std::string path;
    ImageFormat format = ImageFormat::kDirectory;
    std::string key;
    std::string hash;
  };
  struct KnownFile {
    std::string stamp;
    FileDigests digests;
    ImageFormat format;
  };
  Result<Identity> Identify(Call& call, std::string const& url);
  Result<KnownFile> Examine(Call& call, std::string const& path);
  Result<Image> Load(Identity const& identity) const;
  Result<void> CopyInto(Call& call, Identity const& identity, std::string const& temp) const;
  Result<void> Unpack(Call& call, Identity const& identity) const;
  Result<void> UnpackInto(Call& call, Identity const& identity, std::string const& temp) const;
  [[nodiscard]] std::string DirOf(std::string const& key) const { return rootfs_ + "/" + key; }

  FlistConfig const& config_;
  std::string rootfs_;
  Downloads downloads_;
  Sources sources_;
  std::mutex mutex_;  // guards known_
  std::map<std::string, KnownFile> known_;
  BusyKeys busy_;
};

}  // namespace trellis::plugins::flist
