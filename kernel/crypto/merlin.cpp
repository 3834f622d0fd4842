#include "kernel/crypto/merlin.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace trellis::crypto {
namespace {

static_assert(std::endian::native == std::endian::little, "lanes are copied as they lie in memory");

constexpr std::uint8_t kRate = 166;
constexpr std::uint8_t kFlagAd = 0x02;
constexpr std::uint8_t kFlagMetaAd = 0x12;
constexpr std::uint8_t kFlagPrf = 0x07;
constexpr std::uint8_t kFlagsThatPermute = 0x04 | 0x20;  // C and K

constexpr std::array<std::uint64_t, 24> kRoundConstants = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};
constexpr std::array<int, 24> kRotations = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                            27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};
constexpr std::array<std::size_t, 24> kLanes = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                                15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};

void Round(std::array<std::uint64_t, 25>& a, std::uint64_t constant) {
  std::array<std::uint64_t, 5> column{};
  for (std::size_t x = 0; x < 5; ++x)
    column[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
  for (std::size_t x = 0; x < 5; ++x) {
    std::uint64_t const mix = column[(x + 4) % 5] ^ std::rotl(column[(x + 1) % 5], 1);
    for (std::size_t y = 0; y < 25; y += 5)
      a[y + x] ^= mix;
  }
  std::uint64_t carried = a[1];
  for (std::size_t i = 0; i < 24; ++i) {
    std::uint64_t const saved = a[kLanes[i]];
    a[kLanes[i]] = std::rotl(carried, kRotations[i]);
    carried = saved;
  }
  for (std::size_t y = 0; y < 25; y += 5) {
    std::array<std::uint64_t, 5> const row = {a[y], a[y + 1], a[y + 2], a[y + 3], a[y + 4]};
    for (std::size_t x = 0; x < 5; ++x)
      a[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
  }
  a[0] ^= constant;
}

}  // namespace

void KeccakF1600(std::span<std::uint8_t, 200> state) {
  std::array<std::uint64_t, 25> lanes{};
  std::memcpy(lanes.data(), state.data(), state.size());
  for (auto const constant : kRoundConstants)
    Round(lanes, constant);
  std::memcpy(state.data(), lanes.data(), state.size());
}

Strobe::Strobe(std::string_view protocol) {
  constexpr std::array<std::uint8_t, 6> kHeader = {1, kRate + 2, 1, 0, 1, 96};
  constexpr std::string_view kName = "STROBEv1.0.2";
  std::copy(kHeader.begin(), kHeader.end(), state_.begin());
  std::copy(kName.begin(), kName.end(), state_.begin() + kHeader.size());
  KeccakF1600(state_);
  MetaAd(AsBytes(protocol), /*more=*/false);
}

void Strobe::MetaAd(BytesView data, bool more) {
  if (!more) Begin(kFlagMetaAd);
  Absorb(data);
}

void Strobe::Ad(BytesView data) {
  Begin(kFlagAd);
  Absorb(data);
}

void Strobe::Prf(std::span<std::uint8_t> out) {
  Begin(kFlagPrf);
  for (auto& byte : out) {
    byte = state_[position_];
    state_[position_++] = 0;
    if (position_ == kRate) Run();
  }
}

void Strobe::Begin(std::uint8_t flags) {
  std::array<std::uint8_t, 2> const frame = {begin_, flags};
  begin_ = static_cast<std::uint8_t>(position_ + 1);
  Absorb(frame);
  if ((flags & kFlagsThatPermute) != 0 && position_ != 0) Run();
}

void Strobe::Absorb(BytesView data) {
  for (auto const byte : data) {
    state_[position_++] ^= byte;
    if (position_ == kRate) Run();
  }
}

void Strobe::Run() {
  state_[position_] ^= begin_;
  state_[position_ + 1U] ^= 0x04;
  state_[kRate + 1U] ^= 0x80;
  KeccakF1600(state_);
  position_ = 0;
  begin_ = 0;
}

Transcript::Transcript(std::string_view label) : strobe_("Merlin v1.0") {
  Append("dom-sep", AsBytes(label));
}

void Transcript::Append(std::string_view label, BytesView message) {
  Frame(label, message.size());
  strobe_.Ad(message);
}

void Transcript::Challenge(std::string_view label, std::span<std::uint8_t> out) {
  Frame(label, out.size());
  strobe_.Prf(out);
}

void Transcript::Frame(std::string_view label, std::size_t size) {
  auto const length = static_cast<std::uint32_t>(size);
  std::array<std::uint8_t, 4> bytes{};
  std::memcpy(bytes.data(), &length, bytes.size());
  strobe_.MetaAd(AsBytes(label), /*more=*/false);
  strobe_.MetaAd(bytes, /*more=*/true);
}

}  // namespace trellis::crypto
