// The one key that every write changes: counters, and what the ledger is.
#pragma once

#include "kernel/ledger/types.hpp"

#include <trellis/json.hpp>

#include <cstdint>
#include <string>

namespace trellis::ledger::etcd {

inline constexpr std::uint32_t kSchema = 1;

/// Ids and numbers given out last. Because every write replaces the head if nobody else did since
/// it was read, writes of all machines happen one after the other: names, hashes, addresses and
/// ids need no guards of their own.
struct HeadRecord {
  std::uint32_t schema = kSchema;
  Account genesis{};  ///< 32 random bytes that name the ledger for ever
  std::uint64_t height = 0;
  std::uint64_t event = 0;
  std::uint64_t oldest_event = 1;  ///< events before it are forgotten
  std::uint32_t twin = 0;
  std::uint32_t farm = 0;
  std::uint32_t node = 0;
  std::uint64_t contract = 0;
};
BOOST_DESCRIBE_STRUCT(HeadRecord, (),
                      (schema, genesis, height, event, oldest_event, twin, farm, node, contract))

/// "" is the head of a ledger that nobody has written to yet. kConflict: a newer program wrote it;
/// kUnavailable: it is damaged.
inline Result<HeadRecord> ParseHead(std::string_view text) {
  if (text.empty()) return HeadRecord{};
  auto head = json::Parse<HeadRecord>(text);
  if (!head) return Fail(Code::kUnavailable, "ledger is damaged: head: {}", head.error().message);
  if (head->schema != kSchema)
    return Fail(Code::kConflict, "ledger has schema {}, this program knows {}", head->schema,
                kSchema);
  return head;
}

}  // namespace trellis::ledger::etcd
