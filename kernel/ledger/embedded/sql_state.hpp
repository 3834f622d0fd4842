// The tables as the rules see them.
#pragma once

#include "kernel/ledger/embedded/txn.hpp"
#include "kernel/ledger/rules/state.hpp"

namespace trellis::ledger::embedded {

/// Borrows the write for as long as it lives.
class SqlState final : public rules::State {
 public:
  explicit SqlState(Txn& txn) : txn_(txn), db_(txn.db) {}

  Result<Twin> ReadTwin(std::uint32_t id) override;
  Result<std::optional<std::uint32_t>> FindTwinByAccount(Account const& account) override;
  Result<Farm> ReadFarm(std::uint32_t id) override;
  Result<std::optional<std::uint32_t>> FindFarmByName(std::string_view name) override;
  Result<std::vector<PublicIp>> ListFarmIps(std::uint32_t farm) override;
  Result<std::optional<std::uint32_t>> FindFarmByIp(std::string_view ip) override;
  Result<Node> ReadNode(std::uint32_t id) override;
  Result<std::optional<std::uint32_t>> FindNodeByTwin(std::uint32_t twin) override;
  Result<Contract> ReadContract(std::uint64_t id) override;
  Result<std::optional<std::uint64_t>> FindNameContract(std::string_view name) override;
  Result<std::optional<std::uint64_t>> FindRentContract(std::uint32_t node) override;
  Result<std::optional<std::uint64_t>> FindContractByHash(std::uint32_t node,
                                                          std::string_view hash) override;
  Result<rules::Ids> ListNodeContracts(std::uint32_t node) override;
  Result<bool> HasNodeContracts(std::uint32_t node) override;

  Result<std::uint32_t> AddTwin(Twin const& twin) override;
  Result<void> ChangeTwin(Twin const& twin) override;
  Result<std::uint32_t> AddFarm(Farm const& farm) override;
  Result<void> AddFarmIp(std::uint32_t farm, IpConfig const& address) override;
  Result<void> RemoveFarmIp(std::uint32_t farm, std::string_view ip) override;
  Result<std::uint32_t> AddNode(Node const& node) override;
  Result<void> ChangeNode(Node const& node) override;
  Result<std::uint64_t> AddContract(Contract const& contract) override;
  Result<void> ChangeContract(Contract const& contract) override;
  Result<void> DeleteContract(Contract const& contract, std::uint64_t cause) override;
  Result<void> PutResources(ContractResources const& resources) override;
  Result<void> AddNru(NruReport const& report) override;
  Result<void> PutUptime(std::uint32_t node, ReportUptime const& report) override;
  Result<void> AddEvent(Event const& event) override;

  Result<std::optional<rules::AppliedRequest>> FindRequest(std::uint32_t twin,
                                                           std::string_view request) override;
  Result<void> AddRequest(std::uint32_t twin, std::string_view request,
                          rules::AppliedRequest const& applied) override;

 private:
  /// Removes contracts and events that history no longer keeps.
  Result<void> Prune();

  Txn& txn_;
  store::Database& db_;
};

}  // namespace trellis::ledger::embedded
