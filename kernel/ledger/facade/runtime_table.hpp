// The runtime as clients see it: the grid chain's types, storage, calls, events and errors, as far
// as the embedded ledger stands for them. Names, order and numbers are those of the chain (spec
// version 149): clients decode by them, those in Go with types compiled in.
//
// A body is `{name: type, ..}` for a struct, `(type)` for a newtype, else the variants of an enum:
// `Name`, `Name(type, ..)`, `Name{name: type, ..}`, each with its number in front where it is not
// one more than that of the variant before.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace trellis::ledger::facade::table {

struct TypeRow {
  std::string_view path{};
  std::string_view body{};
  std::string_view params = "";  ///< `Name=type, ..`
};

inline constexpr std::array kTypes{
    TypeRow{"sp_core::crypto::AccountId32", "([u8; 32])"},
    TypeRow{"primitive_types::H256", "([u8; 32])"},
    TypeRow{"sp_runtime::multiaddress::MultiAddress",
            "Id(AccountId32), Index(Compact<()>), Raw(Bytes), Address32([u8; 32]), "
            "Address20([u8; 20])",
            "AccountId=AccountId32, AccountIndex=()"},
    TypeRow{"sp_runtime::MultiSignature", "Ed25519([u8; 64]), Sr25519([u8; 64]), Ecdsa([u8; 65])"},
    TypeRow{"sp_runtime::generic::era::Era", "Immortal"},
    TypeRow{"sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic", "(Bytes)",
            "Address=MultiAddress, Call=RuntimeCall, Signature=MultiSignature, Extra=()"},
    TypeRow{"frame_system::extensions::check_nonce::CheckNonce", "(Compact<u32>)"},
    TypeRow{"pallet_transaction_payment::ChargeTransactionPayment", "(Compact<u128>)"},
    // system
    TypeRow{"pallet_balances::types::AccountData",
            "{free: u128, reserved: u128, frozen: u128, flags: u128}"},
    TypeRow{"frame_system::AccountInfo",
            "{nonce: u32, consumers: u32, providers: u32, sufficients: u32, data: AccountData}"},
    TypeRow{"frame_system::Phase", "ApplyExtrinsic(u32), Finalization, Initialization"},
    TypeRow{"frame_system::EventRecord", "{phase: Phase, event: RuntimeEvent, topics: Vec<H256>}",
            "E=RuntimeEvent, T=H256"},
    TypeRow{"sp_weights::weight_v2::Weight", "{ref_time: Compact<u64>, proof_size: Compact<u64>}"},
    TypeRow{"frame_support::dispatch::DispatchClass", "Normal, Operational, Mandatory"},
    TypeRow{"frame_support::dispatch::Pays", "Yes, No"},
    TypeRow{"frame_support::dispatch::DispatchInfo",
            "{weight: Weight, class: DispatchClass, pays_fee: Pays}"},
    TypeRow{"sp_runtime::ModuleError", "{index: u8, error: [u8; 4]}"},
    TypeRow{"sp_runtime::TokenError",
            "FundsUnavailable, OnlyProvider, BelowMinimum, CannotCreate, UnknownAsset, Frozen, "
            "Unsupported, CannotCreateHold, NotExpendable, Blocked"},
    TypeRow{"sp_arithmetic::ArithmeticError", "Underflow, Overflow, DivisionByZero"},
    TypeRow{"sp_runtime::TransactionalError", "LimitReached, NoLayer"},
    TypeRow{"sp_runtime::DispatchError",
            "Other, CannotLookup, BadOrigin, Module(ModuleError), ConsumerRemaining, NoProviders, "
            "TooManyConsumers, Token(TokenError), Arithmetic(ArithmeticError), "
            "Transactional(TransactionalError), Exhausted, Corruption, Unavailable, "
            "RootNotAllowed"},
    // grid
    TypeRow{"tfchain_support::types::FarmCertification", "NotCertified, Gold"},
    TypeRow{"tfchain_support::types::PublicIP", "{ip: Bytes, gateway: Bytes, contract_id: u64}"},
    TypeRow{"tfchain_support::types::FarmingPolicyLimit",
            "{farming_policy_id: u32, cu: Option<u64>, su: Option<u64>, end: Option<u64>, "
            "node_count: Option<u32>, node_certification: bool}"},
    TypeRow{"tfchain_support::types::Farm",
            "{version: u32, id: u32, name: Bytes, twin_id: u32, pricing_policy_id: u32, "
            "certification: FarmCertification, public_ips: Vec<PublicIP>, dedicated_farm: bool, "
            "farming_policy_limits: Option<FarmingPolicyLimit>}"},
    TypeRow{"tfchain_support::resources::Resources", "{hru: u64, sru: u64, cru: u64, mru: u64}"},
    TypeRow{"tfchain_support::types::IP4", "{ip: Bytes, gw: Bytes}"},
    TypeRow{"tfchain_support::types::IP6", "{ip: Bytes, gw: Bytes}"},
    TypeRow{"tfchain_support::types::PublicConfig",
            "{ip4: IP4, ip6: Option<IP6>, domain: Option<Bytes>}"},
    TypeRow{"tfchain_support::types::Interface", "{name: Bytes, mac: Bytes, ips: Vec<Bytes>}"},
    TypeRow{"tfchain_support::types::NodeCertification", "Diy, Certified"},
    TypeRow{"pallet_tfgrid::node::Location",
            "{city: Bytes, country: Bytes, latitude: Bytes, longitude: Bytes}"},
    TypeRow{"tfchain_support::types::Node",
            "{version: u32, id: u32, farm_id: u32, twin_id: u32, resources: Resources, "
            "location: Location, public_config: Option<PublicConfig>, created: u64, "
            "farming_policy_id: u32, interfaces: Vec<Interface>, certification: NodeCertification, "
            "secure_boot: bool, virtualized: bool, serial_number: Option<Bytes>, "
            "connection_price: u32}"},
    TypeRow{"tfchain_support::types::Power", "Up, Down"},
    TypeRow{"tfchain_support::types::PowerState", "Up, Down(u32)"},
    TypeRow{"tfchain_support::types::NodePower", "{state: PowerState, target: Power}"},
    TypeRow{"pallet_tfgrid::types::EntityProof", "{entity_id: u32, signature: Bytes}"},
    TypeRow{"pallet_tfgrid::types::Twin",
            "{id: u32, account_id: AccountId32, relay: Option<Bytes>, entities: Vec<EntityProof>, "
            "pk: Option<Bytes>}"},
    // contracts
    TypeRow{"pallet_smart_contract::types::Cause",
            "CanceledByUser, OutOfFunds, CanceledByCollective"},
    TypeRow{"pallet_smart_contract::types::ContractState",
            "Created, Deleted(Cause), GracePeriod(u64)"},
    TypeRow{"pallet_smart_contract::types::NodeContract",
            "{node_id: u32, deployment_hash: [u8; 32], deployment_data: Bytes, public_ips: u32, "
            "public_ips_list: Vec<PublicIP>}"},
    TypeRow{"pallet_smart_contract::types::NameContract", "{name: Bytes}"},
    TypeRow{"pallet_smart_contract::types::RentContract", "{node_id: u32}"},
    TypeRow{"pallet_smart_contract::types::ContractData",
            "NodeContract(NodeContract), NameContract(NameContract), RentContract(RentContract)"},
    TypeRow{"pallet_smart_contract::types::Contract",
            "{version: u32, state: ContractState, contract_id: u64, twin_id: u32, "
            "contract_type: ContractData, solution_provider_id: Option<u64>}"},
    TypeRow{"pallet_smart_contract::types::ContractResources",
            "{contract_id: u64, used: Resources}"},
    TypeRow{"pallet_smart_contract::types::NruConsumption",
            "{contract_id: u64, timestamp: u64, window: u64, nru: u64}"},
    TypeRow{"pallet_smart_contract::types::ContractLock",
            "{amount_locked: u128, extra_amount_locked: u128, lock_updated: u64, cycles: u16}"},
    TypeRow{"pallet_smart_contract::types::ContractPaymentState",
            "{standard_reserve: u128, additional_reserve: u128, standard_overdraft: u128, "
            "additional_overdraft: u128, last_updated_seconds: u64, cycles: u16}"},
    TypeRow{"pallet_smart_contract::types::ContractBillingInformation",
            "{previous_nu_reported: u64, last_updated: u64, amount_unbilled: u64}"},
};

struct StorageRow {
  std::string_view pallet{};
  std::string_view name{};
  std::string_view keys{};   ///< `type, ..`; "" = a single value
  std::string_view value{};  ///< a type; `?type`: may be missing
};

inline constexpr std::array kStorage{
    StorageRow{"System", "Account", "AccountId32", "AccountInfo"},
    StorageRow{"System", "Number", "", "u32"},
    StorageRow{"System", "Events", "", "Vec<EventRecord>"},
    StorageRow{"Timestamp", "Now", "", "u64"},
    StorageRow{"TfgridModule", "Farms", "u32", "?Farm"},
    StorageRow{"TfgridModule", "NodesByFarmID", "u32", "Vec<u32>"},
    StorageRow{"TfgridModule", "Nodes", "u32", "?Node"},
    StorageRow{"TfgridModule", "NodeIdByTwinID", "u32", "u32"},
    StorageRow{"TfgridModule", "NodePower", "u32", "NodePower"},
    StorageRow{"TfgridModule", "Twins", "u32", "?Twin"},
    StorageRow{"TfgridModule", "TwinIdByAccountID", "AccountId32", "?u32"},
    StorageRow{"TfgridModule", "TwinID", "", "u32"},
    StorageRow{"TfgridModule", "ZosVersion", "", "Bytes"},
    StorageRow{"SmartContractModule", "Contracts", "u64", "?Contract"},
    StorageRow{"SmartContractModule", "ContractID", "", "u64"},
    StorageRow{"SmartContractModule", "ActiveNodeContracts", "u32", "Vec<u64>"},
    StorageRow{"SmartContractModule", "ActiveRentContractForNode", "u32", "?u64"},
    StorageRow{"SmartContractModule", "ContractIDByNameRegistration", "Bytes", "u64"},
    StorageRow{"SmartContractModule", "ContractIDByNodeIDAndHash", "u32, [u8; 32]", "u64"},
    StorageRow{"SmartContractModule", "NodeContractResources", "u64", "ContractResources"},
    StorageRow{"SmartContractModule", "BillingFrequency", "", "u64"},
    // Nothing is billed here: always their defaults.
    StorageRow{"SmartContractModule", "ContractLock", "u64", "ContractLock"},
    StorageRow{"SmartContractModule", "ContractPaymentState", "u64", "?ContractPaymentState"},
    StorageRow{"SmartContractModule", "ContractBillingInformationByID", "u64",
               "ContractBillingInformation"},
    StorageRow{"SmartContractModule", "DedicatedNodesExtraFee", "u32", "u64"},
};

struct ConstantRow {
  std::string_view pallet{};
  std::string_view name{};
  std::string_view type{};
  std::uint64_t value = 0;
};

// A block here is one write, not six seconds. Clients choose the life of their signatures, in
// blocks, from these two: with them 4096 blocks, the longest that the encoding keeps exact.
inline constexpr std::uint64_t kSignatureBlocks = 4096;
inline constexpr std::array kConstants{
    ConstantRow{"System", "BlockHashCount", "u32", kSignatureBlocks},
    ConstantRow{"System", "SS58Prefix", "u16", 42},
    ConstantRow{"Timestamp", "MinimumPeriod", "u64", 50},
};

struct PalletRow {
  std::string_view name{};
  std::string_view module{};  ///< of its types' paths
  std::uint8_t index = 0;
  std::string_view calls{};
  std::string_view events{};
  std::string_view errors{};
};

// Error names of this ledger's own begin at number 200.
inline constexpr std::array kPallets{
    PalletRow{"System", "frame_system::pallet", 0, "",
              "ExtrinsicSuccess{dispatch_info: DispatchInfo}, "
              "ExtrinsicFailed{dispatch_error: DispatchError, dispatch_info: DispatchInfo}",
              ""},
    PalletRow{"Timestamp", "pallet_timestamp::pallet", 1, "set{now: Compact<u64>}", "", ""},
    PalletRow{"Utility", "pallet_utility::pallet", 3,
              "batch{calls: Vec<RuntimeCall>}, 2 batch_all{calls: Vec<RuntimeCall>}",
              "BatchInterrupted{index: u32, error: DispatchError}, BatchCompleted, "
              "BatchCompletedWithErrors, ItemCompleted, ItemFailed{error: DispatchError}",
              "TooManyCalls"},
    PalletRow{
        "TfgridModule", "pallet_tfgrid::pallet", 25,
        "1 create_farm{name: Bytes, public_ips: Vec<IP4>}, "
        "5 add_farm_ip{farm_id: u32, ip: Bytes, gw: Bytes}, "
        "remove_farm_ip{farm_id: u32, ip: Bytes}, "
        "8 create_node{farm_id: u32, resources: Resources, location: Location, "
        "interfaces: Vec<Interface>, secure_boot: bool, virtualized: bool, "
        "serial_number: Option<Bytes>}, "
        "update_node{node_id: u32, farm_id: u32, resources: Resources, location: Location, "
        "interfaces: Vec<Interface>, secure_boot: bool, virtualized: bool, "
        "serial_number: Option<Bytes>}, "
        "11 report_uptime{uptime: u64}, "
        "add_node_public_config{farm_id: u32, node_id: u32, public_config: Option<PublicConfig>}, "
        "17 create_twin{relay: Option<Bytes>, pk: Option<Bytes>}, "
        "update_twin{relay: Option<Bytes>, pk: Option<Bytes>}, "
        "25 user_accept_tc{document_link: Bytes, document_hash: Bytes}, "
        "35 change_power_state{power_state: Power}, "
        "change_power_target{node_id: u32, power_target: Power}, "
        "38 report_uptime_v2{uptime: u64, timestamp_hint: u64}",
        "FarmStored(Farm), FarmUpdated(Farm), 3 NodeStored(Node), NodeUpdated(Node), "
        "6 NodeUptimeReported(u32, u64, u64), NodePublicConfigStored(u32, Option<PublicConfig>), "
        "11 TwinStored(Twin), TwinUpdated(Twin), "
        "29 PowerTargetChanged{farm_id: u32, node_id: u32, power_target: Power}, "
        "PowerStateChanged{farm_id: u32, node_id: u32, power_state: PowerState}",
        "NoneValue, StorageOverflow, CannotCreateNode, NodeNotExists, NodeWithTwinIdExists, "
        "CannotDeleteNode, NodeDeleteNotAuthorized, NodeUpdateNotAuthorized, FarmExists, "
        "FarmNotExists, CannotCreateFarmWrongTwin, CannotUpdateFarmWrongTwin, "
        "16 IpExists, IpNotExists, 26 TwinExists, TwinNotExists, TwinWithPubkeyExists, "
        "CannotCreateTwin, UnauthorizedToUpdateTwin, 39 UserDidNotSignTermsAndConditions, "
        "41 FarmerNotAuthorized, InvalidFarmName, 47 RelayTooShort, RelayTooLong, InvalidRelay, "
        "FarmNameTooShort, FarmNameTooLong, InvalidPublicIP, 69 DomainTooShort, DomainTooLong, "
        "InvalidDomain, MethodIsDeprecated, 110 InvalidPublicConfig, "
        "UnauthorizedToChangePowerTarget, NodeHasActiveContracts, InvalidRelayAddress, "
        "InvalidTimestampHint, InvalidStorageInput, "
        "200 AdminOnly, InvalidPublicKey, NodeNotValid, FarmHasTooManyPublicIPs"},
    PalletRow{
        "SmartContractModule", "pallet_smart_contract::pallet", 26,
        "create_node_contract{node_id: u32, deployment_hash: [u8; 32], deployment_data: Bytes, "
        "public_ips: u32, solution_provider_id: Option<u64>}, "
        "update_node_contract{contract_id: u64, deployment_hash: [u8; 32], "
        "deployment_data: Bytes}, "
        "cancel_contract{contract_id: u64}, "
        "4 create_name_contract{name: Bytes}, "
        "add_nru_reports{reports: Vec<NruConsumption>}, "
        "report_contract_resources{contract_resources: Vec<ContractResources>}, "
        "create_rent_contract{node_id: u32, solution_provider_id: Option<u64>}",
        "ContractCreated(Contract), ContractUpdated(Contract), "
        "NodeContractCanceled{contract_id: u64, node_id: u32, twin_id: u32}, "
        "NameContractCanceled{contract_id: u64}, "
        "IPsReserved{contract_id: u64, public_ips: Vec<PublicIP>}, "
        "IPsFreed{contract_id: u64, public_ips: Vec<PublicIP>}, "
        "12 RentContractCanceled{contract_id: u64}, "
        "ContractGracePeriodStarted{contract_id: u64, node_id: u32, twin_id: u32, "
        "block_number: u64}, "
        "ContractGracePeriodEnded{contract_id: u64, node_id: u32, twin_id: u32}",
        "TwinNotExists, NodeNotExists, FarmNotExists, FarmHasNotEnoughPublicIPs, "
        "FarmHasNotEnoughPublicIPsFree, FailedToReserveIP, FailedToFreeIPs, ContractNotExists, "
        "TwinNotAuthorizedToUpdateContract, TwinNotAuthorizedToCancelContract, "
        "NodeNotAuthorizedToDeployContract, NodeNotAuthorizedToComputeReport, "
        "13 ContractIsNotUnique, 15 NameExists, NameNotValid, InvalidContractType, "
        "19 NotEnoughResourcesOnNode, NodeNotAuthorizedToReportResources, MethodIsDeprecated, "
        "NodeHasActiveContracts, NodeHasRentContract, FarmIsNotDedicated, "
        "NodeNotAvailableToDeploy, CannotUpdateContractInGraceState, "
        "31 NameContractNameTooShort, NameContractNameTooLong, 36 TwinNotAuthorized, "
        "200 HashNotValid, DataTooLong, DataNotValid, TooManyPublicIPs, TooManyReports, "
        "ReportNotValid, ContractWrongState"},
};

struct ExtensionRow {
  std::string_view name{};
  std::string_view type = "()";
  std::string_view additional = "()";
};

inline constexpr std::array kExtensions{
    ExtensionRow{"CheckNonZeroSender"},
    ExtensionRow{"CheckSpecVersion", "()", "u32"},
    ExtensionRow{"CheckTxVersion", "()", "u32"},
    ExtensionRow{"CheckGenesis", "()", "H256"},
    ExtensionRow{"CheckMortality", "Era", "H256"},
    ExtensionRow{"CheckNonce", "CheckNonce"},
    ExtensionRow{"CheckWeight"},
    ExtensionRow{"ChargeTransactionPayment", "ChargeTransactionPayment"},
};

}  // namespace trellis::ledger::facade::table
