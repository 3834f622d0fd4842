// The ledger in an etcd cluster, for many machines.
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/ledger/etcd/options.hpp"
#include "kernel/ledger/hosted_ledger.hpp"

#include <trellis/result.hpp>

#include <memory>

namespace trellis::ledger {

/// See Ledger. Reads and writes need a majority of the members; while it is away all is
/// kUnavailable. A write waits for at most `write_patience` for it.
class EtcdLedger final : public HostedLedger {
 public:
  /// Does not ask the members yet. kInvalid: a malformed address, an unreadable certificate.
  static Result<std::unique_ptr<EtcdLedger>> Open(EtcdOptions const& options);
  /// No Wait may be running: Interrupt, then join the waiting threads, first.
  ~EtcdLedger() override;

  Result<Twin> GetTwin(std::uint32_t id) override;
  Result<std::uint32_t> TwinByAccount(Account const& account) override;
  Result<Contract> GetContract(std::uint64_t id) override;
  Result<NodeContracts> ListNodeContracts(std::uint32_t node) override;
  Result<std::optional<std::uint64_t>> RentContract(std::uint32_t node) override;
  Result<std::uint64_t> NameContract(std::string_view name) override;
  Result<std::uint64_t> ContractByHash(std::uint32_t node, std::string_view hash) override;
  Result<Farm> GetFarm(std::uint32_t id) override;
  Result<Node> GetNode(std::uint32_t id) override;
  Result<std::uint32_t> NodeByTwin(std::uint32_t twin) override;
  Result<std::vector<std::uint32_t>> ListNodes(std::uint32_t farm) override;
  Result<Head> GetHead() override;
  Result<EventPage> EventsAfter(std::uint64_t cursor, std::size_t limit) override;
  Result<bool> Wait(std::uint64_t cursor, std::chrono::milliseconds timeout) override;
  void Interrupt() override;
  Result<std::uint64_t> Submit(Caller const& caller, Call const& call) override;
  Result<std::vector<std::uint64_t>> SubmitAll(Caller const& caller,
                                               std::vector<Call> const& calls) override;
  [[nodiscard]] Abilities abilities() const override { return {}; }

  Result<Account> Genesis() override;
  Result<std::vector<std::uint32_t>> ListTwins(std::uint32_t after, std::size_t limit) override;
  Result<std::vector<std::uint32_t>> ListFarms(std::uint32_t after, std::size_t limit) override;
  Result<std::vector<std::uint64_t>> ListTwinContracts(std::uint32_t twin, std::uint64_t after,
                                                       std::size_t limit) override;
  Result<std::vector<Contract>> History(std::uint64_t before, std::size_t limit) override;
  Result<ContractResources> ReportedResources(std::uint64_t contract) override;
  Result<std::uint64_t> ReportedNru(std::uint64_t contract) override;

 private:
  struct Parts;
  explicit EtcdLedger(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace trellis::ledger
