// Kernel files: which format they have, and the ELF inside a bzImage.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace trellis::plugins::zmachine {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<std::uint8_t const>;

enum class KernelFormat : std::uint8_t { kUnsupported, kBzImage, kPvhElf };

/// What a hypervisor can boot: a bzImage, or a 64-bit ELF with a PVH note. The first 256 KiB of a
/// bzImage are enough; an ELF's note may lie anywhere in the file.
KernelFormat DetectKernelFormat(ByteView kernel);

/// The uncompressed ELF inside a bzImage (gzip, xz, zstd or LZ4 legacy payload). kInvalid when the
/// payload is damaged, unknown, or not an ELF with a PVH note.
Result<Bytes> ExtractElf(ByteView bzimage);

}  // namespace trellis::plugins::zmachine
