// The gateway's JSON: bytes are base64, 64-bit numbers are texts, zeros are left out.
#pragma once

#include "kernel/ledger/etcd/gateway.hpp"

#include <trellis/json.hpp>

#include <string>

namespace trellis::ledger::etcd {

std::string ToJson(std::vector<Range> const& ranges);
std::string ToJson(Transaction const& transaction);
std::string WatchRequest(std::string const& key, std::int64_t revision);

/// A member without the name, or of another kind, reads as zero. kUnavailable when the text is not
/// what etcd sends.
Result<Committed> ParseCommitted(std::string_view text);
Result<std::int64_t> ParseLease(std::string_view text);
Result<Watched> ParseWatched(std::string_view text);

}  // namespace trellis::ledger::etcd
