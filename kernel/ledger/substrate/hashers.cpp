#include "kernel/ledger/substrate/hashers.hpp"

#include <sodium.h>

#include <bit>
#include <cstring>

namespace trellis::ledger::substrate {
namespace {

using crypto::BytesView;

constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87;
constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4F;
constexpr std::uint64_t kPrime3 = 0x165667B19E3779F9;
constexpr std::uint64_t kPrime4 = 0x85EBCA77C2B2AE63;
constexpr std::uint64_t kPrime5 = 0x27D4EB2F165667C5;
constexpr std::size_t kStripe = 32;

static_assert(std::endian::native == std::endian::little, "words are read as they lie in memory");

template <class Word>
std::uint64_t Take(BytesView& data) {
  Word word = 0;
  std::memcpy(&word, data.data(), sizeof word);
  data = data.subspan(sizeof word);
  return word;
}

std::uint64_t Round(std::uint64_t accumulator, std::uint64_t input) {
  return std::rotl(accumulator + input * kPrime2, 31) * kPrime1;
}

std::uint64_t Merge(std::uint64_t hash, std::uint64_t lane) {
  return (hash ^ Round(0, lane)) * kPrime1 + kPrime4;
}

std::uint64_t Stripes(BytesView& data, std::uint64_t seed) {
  std::array<std::uint64_t, 4> lanes{seed + kPrime1 + kPrime2, seed + kPrime2, seed,
                                     seed - kPrime1};
  while (data.size() >= kStripe) {
    for (auto& lane : lanes)
      lane = Round(lane, Take<std::uint64_t>(data));
  }
  std::uint64_t hash = std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) +
                       std::rotl(lanes[3], 18);
  for (auto const lane : lanes)
    hash = Merge(hash, lane);
  return hash;
}

void PutLittle(std::uint8_t* out, std::uint64_t value) {
  std::memcpy(out, &value, sizeof value);
}

}  // namespace

std::uint64_t Xxh64(BytesView data, std::uint64_t seed) {
  std::uint64_t const size = data.size();
  std::uint64_t hash = data.size() >= kStripe ? Stripes(data, seed) : seed + kPrime5;
  hash += size;
  while (data.size() >= sizeof(std::uint64_t))
    hash = std::rotl(hash ^ Round(0, Take<std::uint64_t>(data)), 27) * kPrime1 + kPrime4;
  if (data.size() >= sizeof(std::uint32_t))
    hash = std::rotl(hash ^ (Take<std::uint32_t>(data) * kPrime1), 23) * kPrime2 + kPrime3;
  for (auto const byte : data)
    hash = std::rotl(hash ^ (byte * kPrime5), 11) * kPrime1;
  hash = (hash ^ (hash >> 33U)) * kPrime2;
  hash = (hash ^ (hash >> 29U)) * kPrime3;
  return hash ^ (hash >> 32U);
}

Hash16 Twox128(BytesView data) {
  Hash16 out{};
  PutLittle(out.data(), Xxh64(data, 0));
  PutLittle(out.data() + sizeof(std::uint64_t), Xxh64(data, 1));
  return out;
}

std::array<std::uint8_t, 8> Twox64(BytesView data) {
  std::array<std::uint8_t, 8> out{};
  PutLittle(out.data(), Xxh64(data, 0));
  return out;
}

Hash16 Blake2b128(BytesView data) {
  Hash16 out{};
  crypto_generichash(out.data(), out.size(), data.data(), data.size(), nullptr, 0);
  return out;
}

}  // namespace trellis::ledger::substrate
