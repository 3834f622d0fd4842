// Makes an rfs image of a directory.
#pragma once

#include "plugins/flist/rfs/block_source.hpp"

#include <trellis/json.hpp>

#include <functional>
#include <map>
#include <string>

namespace trellis::plugins::flist {

struct PackRequest {
  std::string root;
  std::string output;
  std::vector<Route> routes;  ///< where blocks go; with passwords
  std::map<std::string, std::string> tags;
  std::vector<Route> sources{};  ///< where nodes get them; none = `routes`. Without passwords
};
struct PackSummary {
  std::uint64_t entries = 0;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;   ///< of content
  std::uint64_t blocks = 0;  ///< different ones
  std::uint64_t stored = 0;  ///< bytes of these, sealed
};
BOOST_DESCRIBE_STRUCT(PackSummary, (), (entries, files, bytes, blocks, stored))

/// Links are kept, never followed. Each entry is written before its children. The stores may be
/// anywhere. A failure leaves no image, but may leave blocks.
Result<PackSummary> Pack(PackRequest const& request);

}  // namespace trellis::plugins::flist
