// Digests of files, as lower-case hex. Thread-safe: no state.
#pragma once

#include <trellis/host.hpp>
#include <trellis/result.hpp>

#include <string>
#include <string_view>

namespace trellis::plugins::flist {

struct FileDigests {
  std::string md5;      ///< what grid clients compare
  std::string sha256;   ///< what OCI descriptors name
  std::string blake2b;  ///< 256 bits: key of the cache
};

/// Reads the file once. kCancelled.
Result<FileDigests> DigestFile(Call& call, std::string const& path);
/// BLAKE2b-256 of a text.
std::string DigestText(std::string_view text);

}  // namespace trellis::plugins::flist
