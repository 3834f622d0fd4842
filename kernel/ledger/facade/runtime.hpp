// The runtime that the façade shows: its version and metadata.
#pragma once

#include "kernel/ledger/substrate/metadata.hpp"

#include <trellis/result.hpp>

namespace trellis::ledger::facade {

inline constexpr std::string_view kSpecName = "substrate-threefold";
inline constexpr std::uint32_t kSpecVersion = 149;
inline constexpr std::uint32_t kTxVersion = 2;

/// Made from runtime_table.hpp. kInternal names what does not fit in the table.
Result<substrate::Metadata> MakeRuntime();

}  // namespace trellis::ledger::facade
