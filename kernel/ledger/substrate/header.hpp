// Block headers and their hashes.
#pragma once

#include "kernel/ledger/substrate/extrinsic.hpp"

#include <cstdint>

namespace trellis::ledger::substrate {

/// Without digest items.
struct Header {
  Hash parent{};
  std::uint64_t number = 0;
  Hash state_root{};
  Hash extrinsics_root{};
};

/// What clients compute from a header that they were sent.
Hash HashOf(Header const& header);

}  // namespace trellis::ledger::substrate
