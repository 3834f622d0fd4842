// The requests of the file server. Pure.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace trellis::plugins::flist {

struct FileRequest {
  bool head = false;  ///< HEAD, else GET
  std::string path;   ///< decoded, without the leading `/`
  std::string range;  ///< value of the header; "" = none
  std::string if_none_match;
  bool keep_alive = true;
};

/// From the request line to the empty line. kInvalid; kUnsupported for other methods.
Result<FileRequest> ParseFileRequest(std::string_view head);

struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t size = 0;
};
/// Of a file with `size` bytes. Nothing: the header is not one that counts, all is sent. kInvalid:
/// no byte of the file is in it.
Result<std::optional<ByteRange>> ParseRange(std::string_view header, std::uint64_t size);

}  // namespace trellis::plugins::flist
