// Chunks as gzip members.
#pragma once

#include <trellis/result.hpp>

#include <zlib.h>

#include <string>
#include <string_view>

namespace trellis::plugins::zlogs {

/// Not thread-safe; its memory is kept from chunk to chunk.
class Gzip {
 public:
  Gzip();
  ~Gzip();
  Gzip(Gzip const&) = delete;
  Gzip& operator=(Gzip const&) = delete;
  Gzip(Gzip&&) = delete;
  Gzip& operator=(Gzip&&) = delete;

  /// One complete member (RFC 1952).
  Result<std::string> Member(std::string_view bytes);

 private:
  z_stream stream_{};
  bool ready_ = false;
};

/// Is it well-formed UTF-8, surrogates and overlong forms excluded?
bool IsUtf8(std::string_view text);

}  // namespace trellis::plugins::zlogs
