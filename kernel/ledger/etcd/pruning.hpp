// Forgetting what history does not keep.
#pragma once

#include "kernel/ledger/etcd/keys.hpp"
#include "kernel/ledger/etcd/view.hpp"

#include <trellis/result.hpp>

#include <cstdint>

namespace trellis::ledger::etcd {

/// Deletes some of the contracts that ended, and events that happened, before `oldest`. True: there
/// may be more.
Result<bool> Prune(View& view, Keys const& keys, std::int64_t oldest);

}  // namespace trellis::ledger::etcd
