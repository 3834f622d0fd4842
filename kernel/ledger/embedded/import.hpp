// Bulk import of twins and contracts.
#pragma once

#include "kernel/ledger/types.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace trellis::ledger {

namespace embedded {
struct Txn;
}

struct ImportTwin {
  std::uint32_t id = 0;  ///< kept as given
  Account account{};
  std::optional<std::string> relay{};
  std::optional<PeerKey> pk{};
};
BOOST_DESCRIBE_STRUCT(ImportTwin, (), (id, account, relay, pk))

/// Node contracts without addresses; their ids are given out in order.
struct ImportContract {
  std::uint32_t twin = 0;
  std::uint32_t node = 0;
  std::string hash{};  ///< 32 characters, or 0x-hex of them
  std::string data{};  ///< text, or 0x-hex of it
};
BOOST_DESCRIBE_STRUCT(ImportContract, (), (twin, node, hash, data))

/// The file: `{"twins": […], "contracts": […]}`.
struct ImportData {
  std::vector<ImportTwin> twins{};
  std::vector<ImportContract> contracts{};
};
BOOST_DESCRIBE_STRUCT(ImportData, (), (twins, contracts))

struct ImportCounts {
  std::uint64_t twins = 0;
  std::uint64_t contracts = 0;
};
BOOST_DESCRIBE_STRUCT(ImportCounts, (), (twins, contracts))

namespace embedded {
Result<ImportCounts> Apply(Txn& txn, ImportData const& data);
}

}  // namespace trellis::ledger
