#include "plugins/zlogs/daemon/gzip.hpp"

#include <cstdint>

namespace trellis::plugins::zlogs {
namespace {

constexpr int kLevel = 9;
constexpr int kWindow = 13 + 16;  // 8 KiB, as large as a chunk; + 16: gzip
constexpr int kMemory = 7;

struct Lead {
  std::size_t length;    // of the whole sequence; 0 = not a first byte
  std::uint32_t bits;    // of the first byte
  std::uint32_t lowest;  // code point of that length
};

Lead LeadOf(unsigned char byte) {
  if (byte < 0x80) return {1, byte, 0};
  if (byte >= 0xc2 && byte < 0xe0) return {2, byte & 0x1fU, 0x80};
  if (byte >= 0xe0 && byte < 0xf0) return {3, byte & 0x0fU, 0x800};
  if (byte >= 0xf0 && byte < 0xf5) return {4, byte & 0x07U, 0x10000};
  return {0, 0, 0};
}

}  // namespace

Gzip::Gzip() {
  ready_ =
      ::deflateInit2(&stream_, kLevel, Z_DEFLATED, kWindow, kMemory, Z_DEFAULT_STRATEGY) == Z_OK;
}

Gzip::~Gzip() {
  if (ready_) ::deflateEnd(&stream_);
}

Result<std::string> Gzip::Member(std::string_view bytes) {
  if (!ready_ || ::deflateReset(&stream_) != Z_OK)
    return Fail(Code::kExhausted, "no memory to compress with");
  std::string out(::deflateBound(&stream_, bytes.size()), '\0');
  stream_.next_in = const_cast<Bytef*>(  // NOLINT: zlib only reads it
      reinterpret_cast<Bytef const*>(bytes.data()));
  stream_.avail_in = static_cast<uInt>(bytes.size());
  stream_.next_out = reinterpret_cast<Bytef*>(out.data());
  stream_.avail_out = static_cast<uInt>(out.size());
  if (::deflate(&stream_, Z_FINISH) != Z_STREAM_END)
    return Fail(Code::kInternal, "a chunk of {} bytes does not compress", bytes.size());
  out.resize(out.size() - stream_.avail_out);
  return out;
}

bool IsUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    auto const lead = LeadOf(static_cast<unsigned char>(text[i]));
    if (lead.length == 0 || text.size() - i < lead.length) return false;
    std::uint32_t point = lead.bits;
    for (std::size_t next = 1; next < lead.length; ++next) {
      auto const byte = static_cast<unsigned char>(text[i + next]);
      if ((byte & 0xc0U) != 0x80) return false;
      point = (point << 6U) | (byte & 0x3fU);
    }
    bool const surrogate = point >= 0xd800 && point < 0xe000;
    if (point < lead.lowest || point > 0x10ffff || surrogate) return false;
    i += lead.length;
  }
  return true;
}

}  // namespace trellis::plugins::zlogs
