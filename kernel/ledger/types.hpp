// Objects of the ledger. Ids of 0 mean "none"; times are unix seconds.
// Members say `{}` so that designated initializers may leave them out without a warning.
#pragma once

#include "kernel/ledger/text_types.hpp"

#include <trellis/json.hpp>

#include <boost/describe.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::ledger {

struct Twin {
  std::uint32_t id = 0;
  Account account{};
  std::optional<std::string> relay{};
  std::optional<PeerKey> pk{};
  bool verified = true;  ///< stands for the grid's external identity check
};
BOOST_DESCRIBE_STRUCT(Twin, (), (id, account, relay, pk, verified))

struct PublicIp {
  std::string ip{};  ///< address with prefix length: `185.69.166.10/24`
  std::string gateway{};
  std::uint64_t contract_id = 0;  ///< 0 = free
};
BOOST_DESCRIBE_STRUCT(PublicIp, (), (ip, gateway, contract_id))

struct Farm {
  std::uint32_t id = 0;
  std::string name{};
  std::uint32_t twin_id = 0;
  bool dedicated = false;
  std::vector<PublicIp> public_ips{};
};
BOOST_DESCRIBE_STRUCT(Farm, (), (id, name, twin_id, dedicated, public_ips))

/// Bytes; cru: cores.
struct NodeResources {
  std::uint64_t hru = 0;
  std::uint64_t sru = 0;
  std::uint64_t cru = 0;
  std::uint64_t mru = 0;
};
BOOST_DESCRIBE_STRUCT(NodeResources, (), (hru, sru, cru, mru))

struct Location {
  std::string city{};
  std::string country{};
  std::string latitude{};
  std::string longitude{};
};
BOOST_DESCRIBE_STRUCT(Location, (), (city, country, latitude, longitude))

struct IpConfig {
  std::string ip{};  ///< address with prefix length
  std::string gw{};
};
BOOST_DESCRIBE_STRUCT(IpConfig, (), (ip, gw))

struct PublicConfig {
  IpConfig ip4{};
  std::optional<IpConfig> ip6{};
  std::optional<std::string> domain{};
};
BOOST_DESCRIBE_STRUCT(PublicConfig, (), (ip4, ip6, domain))

struct NodeInterface {
  std::string name{};
  std::string mac{};
  std::vector<std::string> ips{};
};
BOOST_DESCRIBE_STRUCT(NodeInterface, (), (name, mac, ips))

enum class Power : std::uint8_t { kUp, kDown };
inline constexpr std::array<std::string_view, 2> kPowerNames{"up", "down"};
using PowerText = TextEnum<Power, kPowerNames>;

struct NodePower {
  PowerText state{};
  PowerText target{};
};
BOOST_DESCRIBE_STRUCT(NodePower, (), (state, target))

/// What a node tells about itself.
struct NodeSpec {
  std::uint32_t farm_id = 0;
  NodeResources resources{};
  Location location{};
  std::vector<NodeInterface> interfaces{};
  bool secure_boot = false;
  bool virtualized = false;
  std::optional<std::string> serial{};
};
BOOST_DESCRIBE_STRUCT(NodeSpec, (),
                      (farm_id, resources, location, interfaces, secure_boot, virtualized, serial))

struct Node : NodeSpec {
  std::uint32_t id = 0;
  std::uint32_t twin_id = 0;
  std::optional<PublicConfig> public_config{};
  std::int64_t created = 0;
  NodePower power{};
};
BOOST_DESCRIBE_STRUCT(Node, (NodeSpec), (id, twin_id, public_config, created, power))

/// The numbers are stored: never renumber.
enum class ContractState : std::uint8_t { kCreated, kDeleted, kGracePeriod };
inline constexpr std::array<std::string_view, 3> kContractStateNames{"created", "deleted",
                                                                     "grace_period"};
using ContractStateText = TextEnum<ContractState, kContractStateNames>;

/// The numbers are stored: never renumber.
enum class ContractKind : std::uint8_t { kNode, kName, kRent };
inline constexpr std::array<std::string_view, 3> kContractKindNames{"node", "name", "rent"};
using ContractKindText = TextEnum<ContractKind, kContractKindNames>;

struct Contract {
  std::uint32_t version = 4;
  std::uint64_t contract_id = 0;
  std::uint32_t twin_id = 0;
  ContractKindText kind{};
  ContractStateText state{};
  std::uint64_t state_arg =
      0;  ///< deleted: cause (0 user, 1 out of funds, 2 council); grace: height it began at
  std::uint32_t node_id = 0;     ///< node, rent
  std::string hash{};            ///< node: 32 lower-case hex characters of the deployment's MD5
  std::string data{};            ///< node: client metadata
  std::uint32_t public_ips = 0;  ///< node: count asked for
  std::vector<PublicIp> public_ips_list{};  ///< node: reserved ones, in order of reservation
  std::string name{};                       ///< name
  std::optional<std::uint64_t> solution_provider{};
  std::int64_t created = 0;

  [[nodiscard]] bool in_grace() const { return state == ContractState::kGracePeriod; }
};
BOOST_DESCRIBE_STRUCT(Contract, (),
                      (version, contract_id, twin_id, kind, state, state_arg, node_id, hash, data,
                       public_ips, public_ips_list, name, solution_provider, created))

struct NodeContracts {
  std::vector<std::uint64_t> ids{};  ///< states created and grace period, ascending
  /// Those of `ids` in their grace period, ascending; empty when this ledger does not tell them in
  /// one answer (then ask for each contract).
  std::optional<std::vector<std::uint64_t>> grace{};
  std::uint64_t height = 0;  ///< of this answer
};
BOOST_DESCRIBE_STRUCT(NodeContracts, (), (ids, height))

struct Head {
  std::int64_t time = 0;
  std::uint64_t height = 0;    ///< committed writes
  std::uint64_t last_seq = 0;  ///< newest event
};
BOOST_DESCRIBE_STRUCT(Head, (), (time, height, last_seq))

enum class EventKind : std::uint8_t {
  kTwinStored,
  kTwinUpdated,
  kFarmStored,
  kFarmUpdated,
  kNodeStored,
  kNodeUpdated,
  kNodePublicConfigStored,
  kPowerTargetChanged,
  kPowerStateChanged,
  kContractCreated,
  kContractUpdated,
  kNodeContractCanceled,
  kNameContractCanceled,
  kRentContractCanceled,
  kIpsReserved,
  kIpsFreed,
  kContractGracePeriodStarted,
  kContractGracePeriodEnded,
  kItemCompleted,
  kBatchCompleted,
};
inline constexpr std::array<std::string_view, 20> kEventKindNames{"TwinStored",
                                                                  "TwinUpdated",
                                                                  "FarmStored",
                                                                  "FarmUpdated",
                                                                  "NodeStored",
                                                                  "NodeUpdated",
                                                                  "NodePublicConfigStored",
                                                                  "PowerTargetChanged",
                                                                  "PowerStateChanged",
                                                                  "ContractCreated",
                                                                  "ContractUpdated",
                                                                  "NodeContractCanceled",
                                                                  "NameContractCanceled",
                                                                  "RentContractCanceled",
                                                                  "IPsReserved",
                                                                  "IPsFreed",
                                                                  "ContractGracePeriodStarted",
                                                                  "ContractGracePeriodEnded",
                                                                  "ItemCompleted",
                                                                  "BatchCompleted"};
using EventKindText = TextEnum<EventKind, kEventKindNames>;

struct Event {
  std::uint64_t seq = 0;  ///< gapless, one total order
  std::uint64_t height = 0;
  std::int64_t at = 0;
  EventKindText kind{};
  std::uint32_t node = 0;
  std::uint64_t contract = 0;
  std::uint32_t twin = 0;
  json::Value body{};  ///< the object it is about (Twin, Farm, Contract, PublicConfig, list of
                       ///< PublicIp), or null
};
BOOST_DESCRIBE_STRUCT(Event, (), (seq, height, at, kind, node, contract, twin, body))

struct EventPage {
  std::vector<Event> events{};
  std::uint64_t next = 0;  ///< cursor after the last of `events`
};
BOOST_DESCRIBE_STRUCT(EventPage, (), (events, next))

}  // namespace trellis::ledger
