// Where a value lies in a chain's storage.
#pragma once

#include "kernel/ledger/substrate/metadata.hpp"
#include "kernel/ledger/substrate/values.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <vector>

namespace trellis::ledger::substrate {

inline constexpr std::size_t kStoragePrefix = 32;

/// Of the item, as in `twox128(pallet) ‖ twox128(item)`.
Bytes StoragePrefix(std::string_view pallet_prefix, std::string_view item);
/// The types of the keys of a map, one for each hasher.
std::vector<TypeId> KeyTypes(Metadata const& metadata, StorageItem const& item);
/// `keys` has one value for each hasher. kInvalid.
Result<Bytes> StorageKey(Metadata const& metadata, Pallet const& pallet, StorageItem const& item,
                         std::vector<json::Value> const& keys);
/// The key values after the prefix. kDecode; kUnsupported: a hasher that cannot be turned back.
Result<std::vector<json::Value>> ReadStorageKeys(Metadata const& metadata, StorageItem const& item,
                                                 BytesView after_prefix);

}  // namespace trellis::ledger::substrate
