// What the calls read and change. Each adapter that keeps the ledger itself (SQLite, etcd)
// implements it; the rules are written once, on top.
#pragma once

#include "kernel/ledger/calls.hpp"
#include "kernel/ledger/types.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::ledger::rules {

using Ids = std::vector<std::uint64_t>;

/// What an earlier request asked for and got.
struct AppliedRequest {
  std::string arguments{};
  Ids ids{};
};
BOOST_DESCRIBE_STRUCT(AppliedRequest, (), (arguments, ids))

/// One write in progress: reads see one moment of the ledger and the write's own changes. Not safe
/// for use by several threads. Errors of all functions: those of the storage (kUnavailable, kIo).
class State {
 public:
  State() = default;
  virtual ~State() = default;
  State(State const&) = delete;
  State& operator=(State const&) = delete;

  // ---- reads: `Read` refuses what is not there, `Find` gives nothing ----
  /// TwinNotExists.
  virtual Result<Twin> ReadTwin(std::uint32_t id) = 0;
  virtual Result<std::optional<std::uint32_t>> FindTwinByAccount(Account const& account) = 0;
  /// Without its addresses. FarmNotExists.
  virtual Result<Farm> ReadFarm(std::uint32_t id) = 0;
  virtual Result<std::optional<std::uint32_t>> FindFarmByName(std::string_view name) = 0;
  /// In list order.
  virtual Result<std::vector<PublicIp>> ListFarmIps(std::uint32_t farm) = 0;
  /// The farm that has the address, in canonical text.
  virtual Result<std::optional<std::uint32_t>> FindFarmByIp(std::string_view ip) = 0;
  /// NodeNotExists.
  virtual Result<Node> ReadNode(std::uint32_t id) = 0;
  virtual Result<std::optional<std::uint32_t>> FindNodeByTwin(std::uint32_t twin) = 0;
  /// A live one, with its addresses. ContractNotExists.
  virtual Result<Contract> ReadContract(std::uint64_t id) = 0;
  virtual Result<std::optional<std::uint64_t>> FindNameContract(std::string_view name) = 0;
  virtual Result<std::optional<std::uint64_t>> FindRentContract(std::uint32_t node) = 0;
  virtual Result<std::optional<std::uint64_t>> FindContractByHash(std::uint32_t node,
                                                                  std::string_view hash) = 0;
  /// Live node contracts, ascending.
  virtual Result<Ids> ListNodeContracts(std::uint32_t node) = 0;
  virtual Result<bool> HasNodeContracts(std::uint32_t node) = 0;

  // ---- changes: what the call has checked is not checked again ----
  /// `Add` gives the next id (that in the argument is ignored).
  virtual Result<std::uint32_t> AddTwin(Twin const& twin) = 0;
  virtual Result<void> ChangeTwin(Twin const& twin) = 0;
  virtual Result<std::uint32_t> AddFarm(Farm const& farm) = 0;
  /// Appends to the list.
  virtual Result<void> AddFarmIp(std::uint32_t farm, IpConfig const& address) = 0;
  virtual Result<void> RemoveFarmIp(std::uint32_t farm, std::string_view ip) = 0;
  virtual Result<std::uint32_t> AddNode(Node const& node) = 0;
  virtual Result<void> ChangeNode(Node const& node) = 0;
  /// Also reserves the addresses of `public_ips_list` for it.
  virtual Result<std::uint64_t> AddContract(Contract const& contract) = 0;
  /// Hash, data and state; the addresses stay.
  virtual Result<void> ChangeContract(Contract const& contract) = 0;
  /// Frees the addresses; the contract is history from now on.
  virtual Result<void> DeleteContract(Contract const& contract, std::uint64_t cause) = 0;
  virtual Result<void> PutResources(ContractResources const& resources) = 0;
  /// A window that is there already stays as it is.
  virtual Result<void> AddNru(NruReport const& report) = 0;
  virtual Result<void> PutUptime(std::uint32_t node, ReportUptime const& report) = 0;
  /// Gives the event the next number.
  virtual Result<void> AddEvent(Event const& event) = 0;

  // ---- requests that must not be applied twice, kept for a day ----
  virtual Result<std::optional<AppliedRequest>> FindRequest(std::uint32_t twin,
                                                            std::string_view request) = 0;
  virtual Result<void> AddRequest(std::uint32_t twin, std::string_view request,
                                  AppliedRequest const& applied) = 0;
};

}  // namespace trellis::ledger::rules
