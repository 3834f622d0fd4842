#include "kernel/ledger/substrate/scale.hpp"

#include <bit>

namespace trellis::ledger::substrate {
namespace {

constexpr std::uint64_t kOneByte = 1U << 6U;
constexpr std::uint64_t kTwoBytes = 1U << 14U;
constexpr std::uint64_t kFourBytes = 1U << 30U;

}  // namespace

Encoder& Encoder::U8(std::uint8_t value) {
  bytes_.push_back(value);
  return *this;
}

Encoder& Encoder::Little(std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  return *this;
}

Encoder& Encoder::Compact(std::uint64_t value) {
  if (value < kOneByte) return Little(value << 2U, 1);
  if (value < kTwoBytes) return Little((value << 2U) | 1U, 2);
  if (value < kFourBytes) return Little((value << 2U) | 2U, 4);
  std::size_t const size = (std::bit_width(value) + 7U) / 8;
  return Little(((size - 4) << 2U) | 3U, 1).Little(value, size);
}

Encoder& Encoder::Raw(BytesView bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return *this;
}

Encoder& Encoder::Blob(BytesView bytes) {
  return Compact(bytes.size()).Raw(bytes);
}

BytesView Decoder::Raw(std::size_t size) {
  if (broken_ || size > rest_.size()) {
    broken_ = true;
    return {};
  }
  auto const out = rest_.first(size);
  rest_ = rest_.subspan(size);
  return out;
}

std::uint64_t Decoder::Little(std::size_t size) {
  std::uint64_t value = 0;
  std::size_t shift = 0;
  for (auto const byte : Raw(size)) {
    value |= std::uint64_t{byte} << shift;
    shift += 8;
  }
  return value;
}

std::uint8_t Decoder::U8() {
  return static_cast<std::uint8_t>(Little(1));
}

bool Decoder::Bool() {
  auto const value = U8();
  if (value > 1) broken_ = true;
  return value == 1 && !broken_;
}

std::uint64_t Decoder::Compact() {
  std::uint64_t const first = U8();
  std::uint64_t value = first >> 2U;
  std::uint64_t least = 0;
  switch (first & 3U) {
    case 0:
      break;
    case 1:
      value |= Little(1) << 6U;
      least = kOneByte;
      break;
    case 2:
      value |= Little(3) << 6U;
      least = kTwoBytes;
      break;
    default: {
      std::size_t const size = (first >> 2U) + 4;
      if (size > sizeof value) broken_ = true;
      value = broken_ ? 0 : Little(size);
      least = size <= 4 ? kFourBytes : std::uint64_t{1} << (8 * (std::min(size, sizeof value) - 1));
    }
  }
  if (value < least) broken_ = true;
  return broken_ ? 0 : value;
}

std::size_t Decoder::Count(std::size_t limit) {
  auto const count = Compact();
  if (count > limit || count > rest_.size()) broken_ = true;
  return broken_ ? 0 : count;
}

BytesView Decoder::Blob(std::size_t limit) {
  auto const size = Compact();
  if (size > limit) broken_ = true;
  return Raw(size);
}

Result<void> Decoder::Finish(std::string_view what) const {
  if (broken_) return Fail(Code::kDecode, "{} ends early or has a value that does not fit", what);
  if (!rest_.empty()) return Fail(Code::kDecode, "{} has {} bytes too many", what, rest_.size());
  return {};
}

}  // namespace trellis::ledger::substrate
