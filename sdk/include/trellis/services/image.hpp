// trellis.image.flist/1: images as root file systems.
#pragma once

#include <trellis/host.hpp>

namespace trellis::services {

inline constexpr char const* kImageFlist = "trellis.image.flist/1";

/// mount{owner,slot,url,mode,upper}: idempotent per (owner, slot). mode "ro": a read-only view;
/// "rw": an overlay whose writes go below `upper` (the path of a volume that the caller made).
struct FlistMountRequest {
  std::string owner;
  std::string slot;
  std::string url;   ///< http, https or file URL, or an absolute path below a configured root
  std::string mode;  ///< ro|rw
  std::string upper;
};
BOOST_DESCRIBE_STRUCT(FlistMountRequest, (), (owner, slot, url, mode, upper))
struct FlistMount {
  std::string path;        ///< where it is mounted
  std::string hash;        ///< identity of the image
  std::string kind;        ///< container|container-kernel|vm-kernel|vm-firmware (zmachine modes)
  std::string entrypoint;  ///< of the image, "" = none
  std::map<std::string, std::string> env;  ///< of the image
  std::string cwd;
  std::string user;
};
BOOST_DESCRIBE_STRUCT(FlistMount, (), (path, hash, kind, entrypoint, env, cwd, user))
/// unmount{owner,slot}: OK when unknown.
struct FlistLease {
  std::string owner;
  std::string slot;
};
BOOST_DESCRIBE_STRUCT(FlistLease, (), (owner, slot))
struct FlistLeases {
  std::vector<FlistLease> leases;
};
BOOST_DESCRIBE_STRUCT(FlistLeases, (), (leases))
/// hash{url} -> {hash}
struct FlistHashRequest {
  std::string url;
};
BOOST_DESCRIBE_STRUCT(FlistHashRequest, (), (url))
struct FlistHash {
  std::string hash;
};
BOOST_DESCRIBE_STRUCT(FlistHash, (), (hash))

}  // namespace trellis::services
