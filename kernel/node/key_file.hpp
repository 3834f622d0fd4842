// The key file of a twin, as `trellis grid init` and `trellis twin create` write it.
#pragma once

#include "kernel/crypto/keys.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <filesystem>

namespace trellis::node {

struct NodeKey {
  std::uint32_t twin = 0;
  crypto::Signer signer;
  crypto::Seed seed;
};

/// JSON {"twin", "type", "seed": "0x…" or "mnemonic": "…"}, mode 0600 or stricter. kDenied for
/// other modes, kDecode.
Result<NodeKey> LoadKey(std::filesystem::path const& file);

}  // namespace trellis::node
