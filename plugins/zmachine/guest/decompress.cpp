#include "plugins/zmachine/guest/decompress.hpp"

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace trellis::plugins::zmachine {
namespace {

using Bytes = std::vector<std::uint8_t>;
using View = std::span<std::uint8_t const>;

constexpr std::size_t kStep = 1024UL * 1024UL;
constexpr std::size_t kLz4Block = 8UL * 1024UL * 1024UL;

bool StartsWith(View data, View magic) {
  return data.size() >= magic.size() && std::equal(magic.begin(), magic.end(), data.begin());
}

std::size_t Read32(View data, std::size_t at) {
  return data[at] | static_cast<std::size_t>(data[at + 1]) << 8U |
         static_cast<std::size_t>(data[at + 2]) << 16U |
         static_cast<std::size_t>(data[at + 3]) << 24U;
}

tl::unexpected<Error> Damaged(char const* what) {
  return Fail(Code::kInvalid, "damaged {} data", what);
}

/// Makes room for one more step; false at the limit.
bool Grow(Bytes& out, std::size_t used, std::size_t limit) {
  if (used >= limit) return false;
  out.resize(std::min(used + kStep, limit));
  return true;
}

Result<Bytes> Gunzip(View packed, std::size_t limit) {
  constexpr int kGzipWindow = 15 + 16;
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) return Damaged("gzip");
  Bytes out;
  stream.next_in = const_cast<Bytef*>(packed.data());  // zlib's old interface; it only reads
  stream.avail_in = static_cast<uInt>(packed.size());
  int state = Z_OK;
  bool fits = true;
  while (state == Z_OK && fits) {
    fits = Grow(out, stream.total_out, limit);
    stream.next_out = out.data() + stream.total_out;
    stream.avail_out = static_cast<uInt>(out.size() - stream.total_out);
    if (fits) state = inflate(&stream, Z_NO_FLUSH);
  }
  out.resize(stream.total_out);
  inflateEnd(&stream);
  if (!fits) return Fail(Code::kExhausted, "gzip data exceeds {} bytes", limit);
  if (state != Z_STREAM_END) return Damaged("gzip");
  return out;
}

Result<Bytes> Unxz(View packed, std::size_t limit) {
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, UINT64_MAX, 0) != LZMA_OK) return Damaged("xz");
  Bytes out;
  stream.next_in = packed.data();
  stream.avail_in = packed.size();
  lzma_ret state = LZMA_OK;
  bool fits = true;
  while (state == LZMA_OK && fits) {
    fits = Grow(out, stream.total_out, limit);
    stream.next_out = out.data() + stream.total_out;
    stream.avail_out = out.size() - stream.total_out;
    if (fits) state = lzma_code(&stream, LZMA_FINISH);
  }
  out.resize(stream.total_out);
  lzma_end(&stream);
  if (!fits) return Fail(Code::kExhausted, "xz data exceeds {} bytes", limit);
  if (state != LZMA_STREAM_END) return Damaged("xz");
  return out;
}

Result<Bytes> Unzstd(View packed, std::size_t limit) {
  auto* const stream = ZSTD_createDStream();
  if (stream == nullptr) return Damaged("zstd");
  Bytes out;
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  std::size_t used = 0;
  std::size_t state = 1;
  bool fits = true;
  while (state != 0 && fits && ZSTD_isError(state) == 0) {
    fits = Grow(out, used, limit);
    if (!fits) break;
    ZSTD_outBuffer to{out.data(), out.size(), used};
    state = ZSTD_decompressStream(stream, &to, &in);
    if (to.pos == used && in.pos == in.size && state != 0) break;  // cut off
    used = to.pos;
  }
  ZSTD_freeDStream(stream);
  if (!fits) return Fail(Code::kExhausted, "zstd data exceeds {} bytes", limit);
  if (state != 0) return Damaged("zstd");
  out.resize(used);
  return out;
}

/// Legacy frames: magic, then blocks of at most 8 MiB plain text, each behind its packed size. A
/// kernel's payload ends with the plain size, which is no valid block.
Result<Bytes> Unlz4(View packed, std::size_t limit) {
  Bytes out;
  std::size_t at = 4;
  while (at + 4 < packed.size()) {
    std::size_t const size = Read32(packed, at);
    at += 4;
    if (size == 0 || size > packed.size() - at) return Damaged("lz4");
    if (out.size() + kLz4Block > limit)
      return Fail(Code::kExhausted, "lz4 data exceeds {} bytes", limit);
    std::size_t const start = out.size();
    out.resize(start + kLz4Block);
    int const got = LZ4_decompress_safe(reinterpret_cast<char const*>(packed.data() + at),
                                        reinterpret_cast<char*>(out.data() + start),
                                        static_cast<int>(size), static_cast<int>(kLz4Block));
    if (got < 0) return Damaged("lz4");
    out.resize(start + static_cast<std::size_t>(got));
    at += size;
  }
  bool const has_size = at + 4 == packed.size();
  if (has_size && Read32(packed, at) != (out.size() & 0xffffffffU)) return Damaged("lz4");
  return out;
}

}  // namespace

Result<std::vector<std::uint8_t>> Decompress(std::span<std::uint8_t const> packed,
                                             std::size_t limit) {
  constexpr std::array<std::uint8_t, 3> kGzip = {0x1f, 0x8b, 0x08};
  constexpr std::array<std::uint8_t, 6> kXz = {0xfd, '7', 'z', 'X', 'Z', 0x00};
  constexpr std::array<std::uint8_t, 4> kZstd = {0x28, 0xb5, 0x2f, 0xfd};
  constexpr std::array<std::uint8_t, 4> kLz4 = {0x02, 0x21, 0x4c, 0x18};
  if (StartsWith(packed, kGzip)) return Gunzip(packed, limit);
  if (StartsWith(packed, kXz)) return Unxz(packed, limit);
  if (StartsWith(packed, kZstd)) return Unzstd(packed, limit);
  if (StartsWith(packed, kLz4)) return Unlz4(packed, limit);
  return Fail(Code::kUnsupported, "unknown compression");
}

}  // namespace trellis::plugins::zmachine
