// From any kind of image to another one.
#pragma once

#include "plugins/flist/rfs/pack.hpp"

#include <trellis/host.hpp>

#include <string>
#include <vector>

namespace trellis::plugins::flist {

struct ConvertRequest {
  std::string source;            ///< directory, tar, OCI layout or archive, docker archive
  std::string output;            ///< an rfs image, or a new directory when there are no stores
  std::vector<Route> routes;     ///< none = unpack into a directory
  std::string temp;              ///< directory with room for the unpacked image
  std::vector<Route> sources{};  ///< as of PackRequest
};

/// What an image wants to run becomes its `.startup.toml`, unless it has one. kExists when the
/// output directory is there; errors of the layout readers and of Pack.
Result<PackSummary> Convert(Call& call, ConvertRequest const& request);

}  // namespace trellis::plugins::flist
