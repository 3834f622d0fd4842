// The runtime that the façade shows: its version and metadata.
#pragma once

#include "kernel/ledger/substrate/metadata.hpp"
#include "kernel/ledger/substrate/values.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <memory>
#include <string_view>

namespace trellis::ledger::facade {

inline constexpr std::string_view kSpecName = "substrate-threefold";
inline constexpr std::uint32_t kSpecVersion = 149;
inline constexpr std::uint32_t kTxVersion = 2;

/// Made from runtime_table.hpp. kInternal names what does not fit in the table.
Result<substrate::Metadata> MakeRuntime();

/// The runtime ready for use. Thread-safe; never changes.
struct Runtime {
  static Result<std::shared_ptr<Runtime const>> Make();
  explicit Runtime(substrate::Metadata made, std::uint32_t spec = kSpecVersion);
  Runtime(Runtime const&) = delete;
  Runtime& operator=(Runtime const&) = delete;

  std::uint32_t spec_version = kSpecVersion;
  substrate::Metadata metadata;
  crypto::Bytes encoded;         ///< metadata as clients ask for it
  substrate::ValueCodec codec;   ///< borrows `metadata`
  substrate::TypeId call = 0;    ///< of any call
  substrate::TypeId events = 0;  ///< list of event records
};

}  // namespace trellis::ledger::facade
