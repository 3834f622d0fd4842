// Does the ledger's contract belong to this deployment?
#pragma once

#include "kernel/ledger/ledger.hpp"
#include "kernel/store/records.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <string>

namespace trellis::engine {

enum class ContractVerdict : std::uint8_t { kMatches, kDiffers, kNotFound, kUnreachable };

struct ContractAnswer {
  ContractVerdict verdict = ContractVerdict::kUnreachable;
  std::string text;    ///< why not, as clients know it
  bool grace = false;  ///< kMatches: the contract is in its grace period
};

/// Reads the contract and compares kind, node, twin, state and hash (hex text of the deployment's
/// challenge hash).
[[nodiscard]] ContractAnswer CheckContract(ledger::Ledger& ledger, std::uint32_t node,
                                           store::DeploymentKey key, std::string_view hash);

}  // namespace trellis::engine
