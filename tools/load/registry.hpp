// The ledger's side of the load: twins and contracts by bulk import, new hashes, cancellations.
#pragma once

#include "kernel/ledger/embedded/embedded_ledger.hpp"
#include "tools/load/document.hpp"
#include "tools/load/twin.hpp"

#include <trellis/result.hpp>

#include <memory>
#include <span>
#include <vector>

namespace trellis::load {

/// A document with its contract; `owner` is the index of the twin.
struct Stored {
  std::size_t owner = 0;
  std::uint64_t contract = 0;
  Document document;
};

class Registry {
 public:
  static Result<Registry> Open(std::filesystem::path const& file, std::uint32_t node);

  Result<void> AddTwins(std::span<Twin const> twins);
  /// Fills in the contracts.
  Result<void> AddContracts(std::span<Twin const> twins, std::span<Stored> stored);
  /// Puts the hashes of `stored` on their contracts.
  Result<void> UpdateContracts(std::span<Twin const> twins, std::span<Stored const> stored);
  Result<void> Cancel(std::span<Twin const> twins, std::span<Stored const> stored);
  /// At most `limit` contracts of the twin.
  Result<std::vector<std::uint64_t>> ContractsOf(std::uint32_t twin, std::size_t limit);
  Result<crypto::PublicKey> KeyOf(std::uint32_t twin);

 private:
  Registry(std::unique_ptr<ledger::EmbeddedLedger> ledger, std::uint32_t node)
      : ledger_(std::move(ledger)), node_(node) {}
  /// One batch of calls for each twin and hundred.
  template <class MakeCall>
  Result<void> Submit(std::span<Twin const> twins, std::span<Stored const> stored, MakeCall make);

  std::unique_ptr<ledger::EmbeddedLedger> ledger_;
  std::uint32_t node_;
};

}  // namespace trellis::load
