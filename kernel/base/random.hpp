// Random bytes from the operating system.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace trellis {

/// Fills `out` with bytes fit for keys. Aborts when the system has none (it never does after boot).
void FillRandom(std::span<std::uint8_t> out);
/// A random number below `bound`; 0 when `bound` is 0. Not exactly uniform: for jitter, not for
/// keys.
[[nodiscard]] std::uint64_t RandomBelow(std::uint64_t bound);
/// A version 4 UUID: `xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx`.
[[nodiscard]] std::string RandomUuid();

}  // namespace trellis
