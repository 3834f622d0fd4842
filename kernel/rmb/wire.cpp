#include "kernel/rmb/wire.hpp"

#include <algorithm>

namespace trellis::rmb::wire {
namespace {

/// Bytes after the lead byte of a sequence; 4 = not a lead byte.
std::size_t ContinuationsAfter(std::uint8_t lead) {
  if (lead < 0x80) return 0;
  if (lead >= 0xc2 && lead < 0xe0) return 1;
  if ((lead & 0xf0U) == 0xe0) return 2;
  if (lead >= 0xf0 && lead < 0xf5) return 3;
  return 4;
}

/// Does the second byte keep the sequence short enough, out of the surrogates and below U+110000?
bool SecondByteFits(std::uint8_t lead, std::uint8_t second) {
  if (lead == 0xe0) return second >= 0xa0;
  if (lead == 0xed) return second < 0xa0;
  if (lead == 0xf0) return second >= 0x90;
  if (lead == 0xf4) return second < 0x90;
  return true;
}

}  // namespace

tl::unexpected<Error> Malformed(std::string_view what) {
  return Fail(Code::kDecode, "malformed envelope: {}", what);
}

Result<Field> Reader::Next() {
  TRELLIS_TRY(auto const key, Varint());
  Field field;
  field.number = key >> 3U;
  field.type = key & 7U;
  if (field.number == 0) return Malformed("field number 0");
  switch (field.type) {
    case kVarint: {
      TRELLIS_TRY(field.varint, Varint());
      return field;
    }
    case kFixed64: {
      TRELLIS_TRY(field.bytes, Take(8));
      return field;
    }
    case kLength: {
      TRELLIS_TRY(auto const size, Varint());
      TRELLIS_TRY(field.bytes, Take(size));
      return field;
    }
    case kGroupStart: {
      TRELLIS_CHECK(SkipGroup(field.number));
      return field;
    }
    case kFixed32: {
      TRELLIS_TRY(field.bytes, Take(4));
      return field;
    }
    default:
      return Malformed("unknown wire type");
  }
}

Result<void> Reader::SkipGroup(std::uint64_t number) {
  constexpr std::size_t kMaxDepth = 32;
  std::uint64_t open[kMaxDepth] = {number};
  for (std::size_t depth = 1; depth > 0;) {
    TRELLIS_TRY(auto const key, Varint());
    auto const type = key & 7U;
    if (type == kVarint) TRELLIS_CHECK(Varint());
    if (type == kFixed64) TRELLIS_CHECK(Take(8));
    if (type == kFixed32) TRELLIS_CHECK(Take(4));
    if (type == kLength) {
      TRELLIS_TRY(auto const size, Varint());
      TRELLIS_CHECK(Take(size));
    }
    if (type == kGroupStart) {
      if (depth == kMaxDepth) return Malformed("groups nested too deeply");
      open[depth++] = key >> 3U;
    }
    if (type == kGroupEnd && open[--depth] != key >> 3U) return Malformed("group without its end");
    if (type > kFixed32) return Malformed("unknown wire type");
  }
  return {};
}

Result<std::uint64_t> Reader::Varint() {
  constexpr unsigned kMaxBytes = 10;
  std::uint64_t value = 0;
  auto const size = std::min<std::size_t>(rest_.size(), kMaxBytes);
  for (unsigned i = 0; i < size; ++i) {
    auto const byte = static_cast<std::uint8_t>(rest_[i]);
    if (i + 1 == kMaxBytes && byte > 1) break;
    value |= std::uint64_t{byte & 0x7fU} << (7 * i);
    if ((byte & 0x80U) != 0) continue;
    rest_.remove_prefix(i + 1);
    return value;
  }
  return size == kMaxBytes ? Malformed("number of more than 64 bits")
                           : Malformed("truncated number");
}

Result<std::string_view> Reader::Take(std::uint64_t size) {
  if (size > rest_.size()) return Malformed("length beyond the end");
  auto const taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

void Writer::Varint(std::uint64_t value) {
  while (value >= 0x80) {
    out_ += static_cast<char>((value & 0x7fU) | 0x80U);
    value >>= 7U;
  }
  out_ += static_cast<char>(value);
}

void Writer::Number(std::uint64_t field, std::uint64_t value) {
  if (value == 0) return;
  Varint(field << 3U | kVarint);
  Varint(value);
}

void Writer::Bytes(std::uint64_t field, std::string_view bytes) {
  Varint(field << 3U | kLength);
  Varint(bytes.size());
  out_ += bytes;
}

bool IsUtf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    auto const lead = static_cast<std::uint8_t>(text[i]);
    auto const extra = ContinuationsAfter(lead);
    if (extra == 4 || i + extra >= text.size()) return false;
    for (std::size_t k = 1; k <= extra; ++k) {
      if ((static_cast<std::uint8_t>(text[i + k]) & 0xc0U) != 0x80) return false;
    }
    if (extra > 0 && !SecondByteFits(lead, static_cast<std::uint8_t>(text[i + 1]))) return false;
    i += extra + 1;
  }
  return true;
}

Result<std::string_view> Text(Field const& field) {
  if (field.type != kLength) return Malformed("text expected");
  if (!IsUtf8(field.bytes)) return Malformed("text is not UTF-8");
  return field.bytes;
}

}  // namespace trellis::rmb::wire
