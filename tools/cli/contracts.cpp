#include "tools/cli/contracts.hpp"

namespace trellis::cli {

Result<std::vector<ledger::Contract>> LiveContracts(ledger::OpenedLedger const& ledger,
                                                    std::uint32_t here, std::uint32_t twin) {
  std::vector<ledger::Contract> contracts;
  auto const add = [&](std::vector<std::uint64_t> const& ids) -> Result<void> {
    for (auto const id : ids) {
      TRELLIS_TRY(auto contract, ledger->GetContract(id));
      if (contract.twin_id == twin) contracts.push_back(std::move(contract));
    }
    return {};
  };
  if (ledger.hosted == nullptr) {
    TRELLIS_TRY(auto const known, ledger->ListNodeContracts(here));
    TRELLIS_CHECK(add(known.ids));
    return contracts;
  }
  for (std::uint64_t after = 0;;) {
    constexpr std::size_t kPage = 256;
    TRELLIS_TRY(auto const ids, ledger.hosted->ListTwinContracts(twin, after, kPage));
    if (ids.empty()) return contracts;
    TRELLIS_CHECK(add(ids));
    after = ids.back();
  }
}

}  // namespace trellis::cli
