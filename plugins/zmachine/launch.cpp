#include "plugins/zmachine/launch.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <span>

namespace trellis::plugins::zmachine {
namespace {

template <std::size_t kSize>
std::array<unsigned char, kSize> Blake2b(std::string_view text) {
  std::array<unsigned char, kSize> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<unsigned char const*>(text.data()),
                     text.size(), nullptr, 0);
  return hash;
}

}  // namespace

std::string HashText(std::string_view text) {
  return fmt::format("{:02x}", fmt::join(Blake2b<16>(text), ""));
}

std::string LaunchHash(Launch const& launch) {
  return HashText(json::Dump(launch));
}

std::string MachineUuid(std::string_view node_id, std::string_view workload_id) {
  auto hash = Blake2b<32>(fmt::format("trellis-vm:{}:{}", node_id, workload_id));
  hash[6] = static_cast<unsigned char>(0x80U | (hash[6] & 0x0fU));
  hash[8] = static_cast<unsigned char>(0x80U | (hash[8] & 0x3fU));
  std::span<unsigned char const> const bytes(hash);
  auto const part = [&bytes](std::size_t from, std::size_t size) {
    return fmt::format("{:02x}", fmt::join(bytes.subspan(from, size), ""));
  };
  return fmt::format("{}-{}-{}-{}-{}", part(0, 4), part(4, 2), part(6, 2), part(8, 2), part(10, 6));
}

}  // namespace trellis::plugins::zmachine
