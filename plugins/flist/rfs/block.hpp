// One block of a file's content: how it is named, sealed and opened. Thread-safe: no state.
#pragma once

#include <trellis/result.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace trellis::plugins::flist {

inline constexpr std::size_t kBlockBytes = 524'288;  ///< of every block of a file but its last
/// Snappy's worst case and the cipher's tag: nothing longer can be a block.
inline constexpr std::size_t kMaxSealedBytes = 32 + kBlockBytes + kBlockBytes / 6 + 16;

using Digest = std::array<unsigned char, 32>;

/// BLAKE2b-256.
Digest DigestBytes(std::string_view bytes);
/// 64 lower-case digits.
std::string HexOf(Digest const& digest);

struct BlockRef {
  Digest id{};   ///< digest of the sealed block; what stores know it by
  Digest key{};  ///< digest of the plain one
  bool operator==(BlockRef const&) const = default;
};

/// Both give the same bytes; the first needs a CPU with AES instructions.
enum class Cipher { kSodium, kOpenSsl };
Cipher BestCipher();

struct SealedBlock {
  BlockRef ref;
  std::string bytes;
};
/// At most kBlockBytes of content.
Result<SealedBlock> SealBlock(std::string_view plain, Cipher cipher = BestCipher());
/// kDecode `block '<id>' is damaged: …` unless the bytes are exactly those that the image names.
Result<std::string> OpenBlock(BlockRef const& ref, std::string_view sealed,
                              Cipher cipher = BestCipher());

}  // namespace trellis::plugins::flist
