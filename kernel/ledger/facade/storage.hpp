// The grid's storage items: how each is read from the ledger.
#pragma once

#include "kernel/ledger/embedded/embedded_ledger.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <string_view>
#include <vector>

namespace trellis::ledger::facade {

/// A value of the item's type; null or kNotFound: none.
using ReadItem = Result<json::Value> (*)(EmbeddedLedger&, std::vector<json::Value> const&);

/// Null for items that are always at their default, and for the chain's own.
ReadItem ReaderOf(std::string_view pallet, std::string_view item);

}  // namespace trellis::ledger::facade
