#include "kernel/engine/contract_check.hpp"

namespace trellis::engine {

ContractAnswer CheckContract(ledger::Ledger& ledger, std::uint32_t node, store::DeploymentKey key,
                             std::string_view hash) {
  auto const contract = ledger.GetContract(key.contract);
  auto const differs = [](std::string text) {
    return ContractAnswer{ContractVerdict::kDiffers, std::move(text), false};
  };
  if (!contract) {
    auto const& error = contract.error();
    auto text = fmt::format("failed to get deployment contract: {}", error.message);
    return {
        error.code == Code::kNotFound ? ContractVerdict::kNotFound : ContractVerdict::kUnreachable,
        std::move(text), false};
  }
  if (contract->kind.value != ledger::ContractKind::kNode)
    return differs("invalid contract type, expecting node contract");
  if (contract->node_id != node) return differs("invalid node address in contract");
  if (contract->twin_id != key.twin)
    return differs(fmt::format("contract does not belong to twin {}", key.twin));
  if (contract->state == ledger::ContractState::kDeleted) return differs("contract is not active");
  if (contract->hash != hash) return differs("contract hash does not match deployment hash");
  return {ContractVerdict::kMatches, {}, contract->in_grace()};
}

}  // namespace trellis::engine
