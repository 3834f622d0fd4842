// What kind of image a local path is. Thread-safe: no state.
#pragma once

#include <trellis/host.hpp>
#include <trellis/result.hpp>

#include <string>

namespace trellis::plugins::flist {

enum class ImageFormat {
  kDirectory,      ///< a root file system as it is
  kOciDirectory,   ///< OCI image layout
  kRootTar,        ///< a root file system
  kOciArchive,     ///< tar of an OCI image layout
  kDockerArchive,  ///< `docker save`
  kRfs,            ///< `.fl`: metadata of an image whose content is in stores
  kSquashfs,
};

/// Looks at the content, never at the name. kInvalid `unknown flist format`; kUnsupported for
/// flists of the first version; kDecode for a damaged rfs file.
Result<ImageFormat> Sniff(Call& call, std::string const& path);

/// Of a file that is one or the other: kRfs or kSquashfs.
Result<ImageFormat> SniffMountable(std::string const& path);

}  // namespace trellis::plugins::flist
