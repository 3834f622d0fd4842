#include "kernel/base/random.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include <array>
#include <cstdlib>

namespace trellis {

void FillRandom(std::span<std::uint8_t> out) {
  // Only a signal before the pool is ready interrupts; a few repeats are plenty.
  for (int failures = 0; !out.empty();) {
    auto const got = ::getrandom(out.data(), out.size(), 0);
    if (got > 0) {
      out = out.subspan(static_cast<std::size_t>(got));
    } else if (++failures > 1000) {
      std::abort();
    }
  }
}

std::uint64_t RandomBelow(std::uint64_t bound) {
  if (bound == 0) return 0;
  std::array<std::uint8_t, 8> bytes{};
  FillRandom(bytes);
  std::uint64_t value = 0;
  for (auto const byte : bytes)
    value = value << 8U | byte;
  return value % bound;
}

std::string RandomUuid() {
  std::array<std::uint8_t, 16> bytes{};
  FillRandom(bytes);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0fU) | 0x40U);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3fU) | 0x80U);
  auto const hex = fmt::format("{:02x}", fmt::join(bytes, ""));
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20));
}

}  // namespace trellis
