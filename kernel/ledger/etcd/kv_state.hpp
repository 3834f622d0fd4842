// The keys as the rules see them.
#pragma once

#include "kernel/ledger/etcd/keys.hpp"
#include "kernel/ledger/etcd/view.hpp"
#include "kernel/ledger/rules/state.hpp"

namespace trellis::ledger::etcd {

/// Value of an `active/` key while the contract is in its grace period; else empty.
inline constexpr std::string_view kInGrace = "grace";

/// When a write happens, and for how long things are kept.
struct Times {
  std::int64_t now = 0;
  std::int64_t keep_seconds = 0;
  std::int64_t request_lease = 0;  ///< the lease that keys of requests go with
};

/// Borrows for as long as it lives. Without changes it also serves reads.
class KvState final : public rules::State {
 public:
  KvState(View& view, Keys const& keys, Times const& times)
      : view_(view), keys_(keys), times_(times) {}

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
  /// kInvalid `ValueTooLong`: etcd is not made for values this large.
  Result<void> Put(std::string const& key, std::string value, std::int64_t lease = 0);
  Result<std::optional<std::uint64_t>> FindId(std::string const& key);
  Result<std::optional<std::uint32_t>> FindId32(std::string const& key);
  /// Marks an address of a farm as taken by `contract`, or free (0).
  Result<void> Assign(std::string_view ip, std::uint64_t contract);

  View& view_;
  Keys const& keys_;
  Times const times_;
};

/// A value as it was written; kUnavailable when it does not decode.
template <class T>
Result<T> Decoded(std::string_view text) {
  auto value = json::Parse<T>(text);
  if (!value) return Fail(Code::kUnavailable, "ledger is damaged: {}", value.error().message);
  return value;
}

/// The number at the end of a key.
Result<std::uint64_t> LastNumber(std::string_view key);

}  // namespace trellis::ledger::etcd
