#include "tools/load/registry.hpp"

#include <map>

namespace trellis::load {

Result<Registry> Registry::Open(std::filesystem::path const& file, std::uint32_t node) {
  TRELLIS_TRY(auto ledger, ledger::EmbeddedLedger::Open(file));
  return Registry(std::move(ledger), node);
}

Result<void> Registry::AddTwins(std::span<Twin const> twins) {
  ledger::ImportData data;
  for (auto const& twin : twins) {
    auto& added = data.twins.emplace_back();
    added.id = twin.id;
    added.account.bytes = twin.signer.public_key();
  }
  TRELLIS_CHECK(ledger_->Import(data));
  return {};
}

Result<void> Registry::AddContracts(std::span<Twin const> twins, std::span<Stored> stored) {
  if (stored.empty()) return {};
  ledger::ImportData data;
  for (auto const& one : stored) {
    data.contracts.push_back(
        {twins[one.owner].id, node_, crypto::Hex(one.document.hash()), std::string()});
  }
  TRELLIS_CHECK(ledger_->Import(data));
  // One import is one transaction, so its ids follow one another.
  TRELLIS_TRY(auto const first, ledger_->ContractByHash(node_, data.contracts.front().hash));
  TRELLIS_TRY(auto const last, ledger_->ContractByHash(node_, data.contracts.back().hash));
  if (last - first + 1 != stored.size())
    return Fail(Code::kInternal, "{} contracts were imported as {} to {}", stored.size(), first,
                last);
  for (std::size_t i = 0; i < stored.size(); ++i)
    stored[i].contract = first + i;
  return {};
}

template <class MakeCall>
Result<void> Registry::Submit(std::span<Twin const> twins, std::span<Stored const> stored,
                              MakeCall make) {
  std::map<std::size_t, std::vector<ledger::Call>> calls;
  auto const flush = [&](std::size_t owner) -> Result<void> {
    ledger::Caller caller;
    caller.twin = twins[owner].id;
    TRELLIS_CHECK(ledger_->SubmitAll(caller, calls[owner]));
    calls[owner].clear();
    return {};
  };
  for (auto const& one : stored) {
    calls[one.owner].push_back(make(one));
    if (calls[one.owner].size() == ledger::kMaxBatch) TRELLIS_CHECK(flush(one.owner));
  }
  for (auto const& [owner, rest] : calls) {
    if (!rest.empty()) TRELLIS_CHECK(flush(owner));
  }
  return {};
}

Result<void> Registry::UpdateContracts(std::span<Twin const> twins,
                                       std::span<Stored const> stored) {
  return Submit(twins, stored, [](Stored const& one) -> ledger::Call {
    return ledger::UpdateNodeContract{one.contract, crypto::Hex(one.document.hash()), {}};
  });
}

Result<void> Registry::Cancel(std::span<Twin const> twins, std::span<Stored const> stored) {
  return Submit(twins, stored, [](Stored const& one) -> ledger::Call {
    return ledger::CancelContract{one.contract};
  });
}

Result<std::vector<std::uint64_t>> Registry::ContractsOf(std::uint32_t twin, std::size_t limit) {
  return ledger_->ListTwinContracts(twin, 0, limit);
}

Result<crypto::PublicKey> Registry::KeyOf(std::uint32_t twin) {
  TRELLIS_TRY(auto const found, ledger_->GetTwin(twin));
  return found.account.bytes;
}

}  // namespace trellis::load
