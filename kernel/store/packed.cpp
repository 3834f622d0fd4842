#include "kernel/store/packed.hpp"

#include <algorithm>
#include <limits>

namespace trellis::store {
namespace {

constexpr unsigned kBits = 7;
constexpr std::uint64_t kMore = 0x80;
constexpr std::size_t kLongest = 10;  // bytes of a number

}  // namespace

std::uint64_t PackedReader::Number() {
  std::uint64_t value = 0;
  auto const most = std::min(rest_.size(), kLongest);
  for (std::size_t i = 0; i < most; ++i) {
    auto const byte = static_cast<unsigned char>(rest_[i]);
    value |= (byte & (kMore - 1)) << (kBits * i);
    if ((byte & kMore) != 0) continue;
    rest_.remove_prefix(i + 1);
    return value;
  }
  sound_ = false;
  rest_ = {};
  return 0;
}

std::uint32_t PackedReader::Small() {
  auto const value = Number();
  if (value > std::numeric_limits<std::uint32_t>::max()) sound_ = false;
  return static_cast<std::uint32_t>(value);
}

std::int64_t PackedReader::Signed() {
  auto const value = Number();
  auto const half = static_cast<std::int64_t>(value >> 1U);
  return (value & 1U) != 0 ? -half - 1 : half;
}

std::string_view PackedReader::Text() {
  auto const size = Number();
  if (size > rest_.size()) {
    sound_ = false;
    rest_ = {};
    return {};
  }
  auto const text = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return text;
}

void PackedWriter::Number(std::uint64_t value) {
  while (value >= kMore) {
    bytes_ += static_cast<char>((value & (kMore - 1)) | kMore);
    value >>= kBits;
  }
  bytes_ += static_cast<char>(value);
}

void PackedWriter::Signed(std::int64_t value) {
  auto const bits = static_cast<std::uint64_t>(value) << 1U;
  Number(value < 0 ? ~bits : bits);
}

void PackedWriter::Text(std::string_view text) {
  Number(text.size());
  bytes_ += text;
}

}  // namespace trellis::store
