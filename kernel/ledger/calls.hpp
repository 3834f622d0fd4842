// Writes to the ledger as values: what RMB commands, the chain façade and batches carry. Each
// struct names its result; the rules and their order are those of the chain.
#pragma once

#include "kernel/ledger/types.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace trellis::ledger {

inline constexpr std::size_t kHashBytes = 32;
inline constexpr std::size_t kMaxDataBytes = 64 << 10U;
inline constexpr std::size_t kMaxContractIps = 512;
inline constexpr std::size_t kMaxFarmIps = 256;
inline constexpr std::size_t kMaxFarmName = 40;
inline constexpr std::size_t kMinContractName = 3;
inline constexpr std::size_t kMaxContractName = 64;
inline constexpr std::size_t kMaxRelayBytes = 255;
inline constexpr std::size_t kMaxDomainBytes = 128;
inline constexpr std::size_t kMaxRequestId = 64;
inline constexpr std::size_t kMaxBatch = 100;
inline constexpr std::size_t kMaxReports = 1000;
inline constexpr std::int64_t kMaxUptimeSkew = 60;  ///< seconds

/// Who asks. `twin` was verified by the caller (signature, or the right of the process).
struct Caller {
  std::uint32_t twin = 0;
  bool admin = false;        ///< local tool with file access, or a twin of `ledger.admin_twins`
  std::string request_id{};  ///< up to 64 characters: makes the write idempotent for 24 h; "" = not
};

/// Result: twin id. Caller: anyone who proved `account`.
struct CreateTwin {
  Account account{};
  std::optional<std::string> relay{};
  std::optional<PeerKey> pk{};
};
BOOST_DESCRIBE_STRUCT(CreateTwin, (), (account, relay, pk))

/// Of the caller.
struct UpdateTwin {
  std::optional<std::string> relay{};
  std::optional<PeerKey> pk{};
};
BOOST_DESCRIBE_STRUCT(UpdateTwin, (), (relay, pk))

/// Result: contract id.
struct CreateNodeContract {
  std::uint32_t node = 0;
  std::string hash{};
  std::string data{};
  std::uint32_t public_ips = 0;
  std::optional<std::uint64_t> solution_provider{};
};
BOOST_DESCRIBE_STRUCT(CreateNodeContract, (), (node, hash, data, public_ips, solution_provider))

struct UpdateNodeContract {
  std::uint64_t contract = 0;
  std::string hash{};
  std::string data{};
};
BOOST_DESCRIBE_STRUCT(UpdateNodeContract, (), (contract, hash, data))

struct CancelContract {
  std::uint64_t contract = 0;
};
BOOST_DESCRIBE_STRUCT(CancelContract, (), (contract))

/// Result: contract id.
struct CreateNameContract {
  std::string name{};
};
BOOST_DESCRIBE_STRUCT(CreateNameContract, (), (name))

/// Result: contract id.
struct CreateRentContract {
  std::uint32_t node = 0;
  std::optional<std::uint64_t> solution_provider{};
};
BOOST_DESCRIBE_STRUCT(CreateRentContract, (), (node, solution_provider))

/// Result: node id. The caller becomes the node's twin.
struct RegisterNode {
  NodeSpec spec{};
};
BOOST_DESCRIBE_STRUCT(RegisterNode, (), (spec))

struct UpdateNode {
  std::uint32_t node = 0;
  NodeSpec spec{};
};
BOOST_DESCRIBE_STRUCT(UpdateNode, (), (node, spec))

struct ContractResources {
  std::uint64_t contract = 0;
  std::uint64_t hru = 0;
  std::uint64_t sru = 0;
  std::uint64_t cru = 0;
  std::uint64_t mru = 0;
};
BOOST_DESCRIBE_STRUCT(ContractResources, (), (contract, hru, sru, cru, mru))

/// Newest wins. Unknown contracts are skipped; one of another node refuses the whole call.
struct ReportResources {
  std::vector<ContractResources> resources{};
};
BOOST_DESCRIBE_STRUCT(ReportResources, (), (resources))

/// Traffic of the `window` seconds that ended at `timestamp`.
struct NruReport {
  std::uint64_t contract = 0;
  std::uint64_t timestamp = 0;
  std::uint64_t window = 0;
  std::uint64_t nru = 0;  ///< bytes
};
BOOST_DESCRIBE_STRUCT(NruReport, (), (contract, timestamp, window, nru))

/// A window of a contract counts once, however often it is reported.
struct ReportNru {
  std::vector<NruReport> reports{};
};
BOOST_DESCRIBE_STRUCT(ReportNru, (), (reports))

struct ReportUptime {
  std::uint64_t uptime = 0;  ///< seconds
  std::int64_t timestamp = 0;
};
BOOST_DESCRIBE_STRUCT(ReportUptime, (), (uptime, timestamp))

/// Result: farm id. The owner is `twin`, or the caller when 0.
struct CreateFarm {
  std::string name{};
  std::uint32_t twin = 0;
  bool dedicated = false;
};
BOOST_DESCRIBE_STRUCT(CreateFarm, (), (name, twin, dedicated))

struct AddFarmIp {
  std::uint32_t farm = 0;
  std::string ip{};
  std::string gateway{};
};
BOOST_DESCRIBE_STRUCT(AddFarmIp, (), (farm, ip, gateway))

struct RemoveFarmIp {
  std::uint32_t farm = 0;
  std::string ip{};
};
BOOST_DESCRIBE_STRUCT(RemoveFarmIp, (), (farm, ip))

struct SetPublicConfig {
  std::uint32_t node = 0;
  std::optional<PublicConfig> config{};
};
BOOST_DESCRIBE_STRUCT(SetPublicConfig, (), (node, config))

struct StartGrace {
  std::uint64_t contract = 0;
};
BOOST_DESCRIBE_STRUCT(StartGrace, (), (contract))

struct EndGrace {
  std::uint64_t contract = 0;
};
BOOST_DESCRIBE_STRUCT(EndGrace, (), (contract))

struct DeleteOutOfFunds {
  std::uint64_t contract = 0;
};
BOOST_DESCRIBE_STRUCT(DeleteOutOfFunds, (), (contract))

struct SetVerified {
  std::uint32_t twin = 0;
  bool verified = true;
};
BOOST_DESCRIBE_STRUCT(SetVerified, (), (twin, verified))

struct SetPowerTarget {
  std::uint32_t node = 0;
  PowerText target{};
};
BOOST_DESCRIBE_STRUCT(SetPowerTarget, (), (node, target))

/// Of the caller's node.
struct SetPowerState {
  PowerText state{};
};
BOOST_DESCRIBE_STRUCT(SetPowerState, (), (state))

using Call = std::variant<CreateTwin, UpdateTwin, CreateNodeContract, UpdateNodeContract,
                          CancelContract, CreateNameContract, CreateRentContract, RegisterNode,
                          UpdateNode, ReportResources, ReportNru, ReportUptime, CreateFarm,
                          AddFarmIp, RemoveFarmIp, SetPublicConfig, StartGrace, EndGrace,
                          DeleteOutOfFunds, SetVerified, SetPowerTarget, SetPowerState>;

}  // namespace trellis::ledger
