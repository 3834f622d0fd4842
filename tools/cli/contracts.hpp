// A twin's contracts on the ledger.
#pragma once

#include "kernel/ledger/open.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <vector>

namespace trellis::cli {

/// Live contracts of the twin. A ledger that does not list them tells those on node `here`.
Result<std::vector<ledger::Contract>> LiveContracts(ledger::OpenedLedger const& ledger,
                                                    std::uint32_t here, std::uint32_t twin);

}  // namespace trellis::cli
