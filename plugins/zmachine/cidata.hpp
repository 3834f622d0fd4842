// The small FAT volume labelled `cidata` that carries a guest's configuration.
#pragma once

#include "plugins/zmachine/guest_config.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace trellis::plugins::zmachine {

/// Size of the volume in bytes.
inline constexpr std::size_t kCidataSize = 2U * 1024U * 1024U;

/// One file of the volume, in its root directory.
struct CidataFile {
  std::string name;  // ASCII, 1 … 255 bytes, without characters that FAT forbids
  std::string content;
};

/// Builds a FAT12 image with these files. kInvalid for a bad or repeated name, kExhausted when the
/// files do not fit. The same input gives the same bytes.
Result<std::vector<std::uint8_t>> BuildCidataImage(std::vector<CidataFile> const& files);

/// The image of a guest: `meta-data`, `network-config`, `user-data`, `zosrc`.
Result<std::vector<std::uint8_t>> BuildCidataImage(GuestConfig const& config);

}  // namespace trellis::plugins::zmachine
