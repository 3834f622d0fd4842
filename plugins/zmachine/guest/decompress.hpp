// One-shot decompression of what Debian packs kernels and modules with.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace trellis::plugins::zmachine {

/// Plain bytes of gzip, xz, zstd or LZ4 legacy data, told by its magic; bytes after the end of the
/// compressed data are ignored. kUnsupported for an unknown magic, kInvalid for damaged data,
/// kExhausted when the plain bytes exceed `limit`.
Result<std::vector<std::uint8_t>> Decompress(std::span<std::uint8_t const> packed,
                                             std::size_t limit);

}  // namespace trellis::plugins::zmachine
