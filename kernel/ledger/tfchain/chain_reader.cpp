#include "kernel/ledger/tfchain/chain_reader.hpp"

#include "kernel/base/log.hpp"
#include "kernel/base/strings.hpp"
#include "kernel/ledger/substrate/storage_key.hpp"

#include <array>

namespace trellis::ledger::tfchain {
namespace {

using boost::json::array;
using crypto::Bytes;

constexpr std::uint32_t kTestedSpec = 149;
constexpr int kTries = 3;  // of a read into which an upgrade falls

struct Needed {
  std::string_view pallet;
  std::string_view name;
};
constexpr std::array kStorage{Needed{"System", "Events"},
                              Needed{"System", "Number"},
                              Needed{"Timestamp", "Now"},
                              Needed{"TfgridModule", "Twins"},
                              Needed{"TfgridModule", "TwinIdByAccountID"},
                              Needed{"TfgridModule", "Nodes"},
                              Needed{"TfgridModule", "NodeIdByTwinID"},
                              Needed{"TfgridModule", "NodesByFarmID"},
                              Needed{"TfgridModule", "NodePower"},
                              Needed{"TfgridModule", "Farms"},
                              Needed{"SmartContractModule", "Contracts"},
                              Needed{"SmartContractModule", "ActiveNodeContracts"},
                              Needed{"SmartContractModule", "ActiveRentContractForNode"},
                              Needed{"SmartContractModule", "ContractIDByNameRegistration"},
                              Needed{"SmartContractModule", "ContractIDByNodeIDAndHash"}};
constexpr std::array kEvents{Needed{"System", "ExtrinsicSuccess"},
                             Needed{"System", "ExtrinsicFailed"},
                             Needed{"SmartContractModule", "NodeContractCanceled"},
                             Needed{"SmartContractModule", "ContractGracePeriodStarted"},
                             Needed{"SmartContractModule", "ContractGracePeriodEnded"}};

/// Is it a chain of the grid at all?
Result<void> CheckRuntime(substrate::Metadata const& metadata) {
  for (auto const& [pallet, name] : kStorage) {
    if (metadata.FindStorage(pallet, name) == nullptr)
      return Fail(Code::kUnsupported, "the chain has no storage '{}.{}'", pallet, name);
  }
  for (auto const& [pallet, name] : kEvents) {
    auto const* const found = metadata.FindPallet(pallet);
    if (found == nullptr || metadata.FindVariant(found->events, name) == nullptr)
      return Fail(Code::kUnsupported, "the chain has no event '{}.{}'", pallet, name);
  }
  return {};
}

std::string HexOf(Hash const& hash) {
  return "0x" + crypto::Hex(hash);
}

Result<Bytes> BytesOf(json::Value const& value) {
  if (!value.is_string()) return Fail(Code::kDecode, "the node answered no hex text");
  return crypto::FromHex0x(std::string_view(value.get_string()));
}

Result<Hash> HashOfText(json::Value const& value) {
  TRELLIS_TRY(auto const bytes, BytesOf(value));
  return crypto::Exactly<32>(bytes);
}

Result<std::uint64_t> NumberOfHeader(json::Value const& header) {
  TRELLIS_TRY(auto const text, substrate::GetBytes(header, "number"));
  if (!text.starts_with("0x")) return Fail(Code::kDecode, "block number '{}' is no hex", text);
  return strings::ParseNumber<std::uint64_t>(std::string_view(text).substr(2), 16);
}

array At(std::optional<Hash> const& block) {
  return block ? array{json::Value(HexOf(*block))} : array();
}

}  // namespace

Result<std::unique_ptr<ChainReader>> ChainReader::Start(
    RpcOptions options, std::function<void(std::uint64_t)> finalized) {
  std::unique_ptr<ChainReader> reader(new ChainReader());
  // It may have been upgraded while the connection was away.
  options.connected = [raw = reader.get()] { raw->newest_spec_ = 0; };
  options.subscriptions.push_back(
      {"chain_subscribeFinalizedHeads", [finalized](json::Value const& header) {
         if (auto const number = NumberOfHeader(header); number) finalized(*number);
       }});
  options.subscriptions.push_back(
      {"state_subscribeRuntimeVersion", [raw = reader.get()](json::Value const& version) {
         if (auto const spec = substrate::GetId<std::uint32_t>(version, "specVersion"); spec)
           raw->newest_spec_ = *spec;
       }});
  TRELLIS_TRY(reader->rpc_, RpcClient::Start(std::move(options)));
  return reader;
}

Result<json::Value> ChainReader::FetchRuntimeVersion(std::optional<Hash> const& at) {
  return rpc_->Call("state_getRuntimeVersion", At(at));
}

Result<RuntimePtr> ChainReader::FetchRuntime(json::Value const& version,
                                             std::optional<Hash> const& at) {
  TRELLIS_TRY(auto const answer, rpc_->Call("state_getMetadata", At(at)));
  TRELLIS_TRY(auto const bytes, BytesOf(answer));
  TRELLIS_TRY(auto metadata, substrate::DecodeMetadata(bytes));
  TRELLIS_CHECK(CheckRuntime(metadata));
  auto runtime = std::make_shared<ChainRuntime>(std::move(metadata));
  TRELLIS_TRY(runtime->spec_version, substrate::GetId<std::uint32_t>(version, "specVersion"));
  TRELLIS_TRY(runtime->tx_version, substrate::GetId<std::uint32_t>(version, "transactionVersion"));
  if (runtime->spec_version != kTestedSpec)
    log::Warn("the chain's runtime is another version than the one tested, going by its metadata",
              {{"version", runtime->spec_version}, {"tested", kTestedSpec}});
  return RuntimePtr(std::move(runtime));
}

Result<RuntimePtr> ChainReader::Runtime() {
  auto const newest = newest_spec_.load();
  {
    std::lock_guard const lock(mutex_);
    if (runtime_ != nullptr && runtime_->spec_version == newest) return runtime_;
  }
  TRELLIS_TRY(auto const version, FetchRuntimeVersion({}));
  TRELLIS_TRY(auto const spec, substrate::GetId<std::uint32_t>(version, "specVersion"));
  {
    std::lock_guard const lock(mutex_);
    if (runtime_ != nullptr && runtime_->spec_version == spec) {
      newest_spec_ = spec;
      return runtime_;
    }
  }
  TRELLIS_TRY(auto runtime, FetchRuntime(version, {}));
  std::lock_guard const lock(mutex_);
  newest_spec_ = spec;
  runtime_ = runtime;
  return runtime;
}

Result<RuntimePtr> ChainReader::RuntimeAt(Hash const& block) {
  TRELLIS_TRY(auto const version, FetchRuntimeVersion(block));
  TRELLIS_TRY(auto const spec, substrate::GetId<std::uint32_t>(version, "specVersion"));
  {
    std::lock_guard const lock(mutex_);
    if (runtime_ != nullptr && runtime_->spec_version == spec) return runtime_;
    if (older_ != nullptr && older_->spec_version == spec) return older_;
  }
  TRELLIS_TRY(auto runtime, FetchRuntime(version, block));
  std::lock_guard const lock(mutex_);
  older_ = runtime;
  return runtime;
}

Result<Hash> ChainReader::Genesis() {
  TRELLIS_TRY(auto const answer, rpc_->Call("chain_getBlockHash", {0}));
  TRELLIS_TRY(auto const genesis, HashOfText(answer));
  std::lock_guard const lock(mutex_);
  if (!genesis_) genesis_ = genesis;
  if (*genesis_ != genesis)
    return Fail(Code::kConflict, "the node follows another chain than before: genesis {}",
                HexOf(genesis));
  return genesis;
}

Result<BlockId> ChainReader::ReadHeader(std::optional<Hash> const& at) {
  // The hash of the newest header comes by its number; the node may have gone on meanwhile.
  TRELLIS_TRY(auto const header, rpc_->Call("chain_getHeader", At(at)));
  if (header.is_null()) return Fail(Code::kNotFound, "the node does not know the block");
  BlockId block;
  TRELLIS_TRY(block.number, NumberOfHeader(header));
  if (at) {
    block.hash = *at;
    return block;
  }
  TRELLIS_TRY(block.hash, HashOf(block.number));
  return block;
}

Result<BlockId> ChainReader::BestBlock() {
  return ReadHeader({});
}

Result<BlockId> ChainReader::FinalizedBlock() {
  TRELLIS_TRY(auto const answer, rpc_->Call("chain_getFinalizedHead", {}));
  TRELLIS_TRY(auto const hash, HashOfText(answer));
  return ReadHeader(hash);
}

Result<Hash> ChainReader::HashOf(std::uint64_t number) {
  TRELLIS_TRY(auto const answer, rpc_->Call("chain_getBlockHash", {number}));
  if (answer.is_null()) return Fail(Code::kNotFound, "the node has no block {}", number);
  return HashOfText(answer);
}

Result<std::uint64_t> ChainReader::NumberOf(Hash const& block) {
  TRELLIS_TRY(auto const read, ReadHeader(block));
  return read.number;
}

Result<std::optional<json::Value>> ChainReader::Value(std::string_view pallet,
                                                      std::string_view item,
                                                      std::vector<json::Value> const& keys,
                                                      std::optional<Hash> const& at) {
  for (int i = 1;; ++i) {
    TRELLIS_TRY(auto const runtime, Runtime());
    auto value = ReadValue(*runtime, pallet, item, keys, at);
    TRELLIS_TRY(auto const still, Runtime());
    // An upgrade in between: the bytes were those of other types, perhaps.
    if (still == runtime || i == kTries) return value;
  }
}

Result<std::optional<json::Value>> ChainReader::ReadValue(ChainRuntime const& runtime,
                                                          std::string_view pallet,
                                                          std::string_view item,
                                                          std::vector<json::Value> const& keys,
                                                          std::optional<Hash> const& at) {
  auto const* const definition = runtime.metadata.FindStorage(pallet, item);
  if (definition == nullptr)
    return Fail(Code::kUnsupported, "the chain has no storage '{}.{}'", pallet, item);
  TRELLIS_TRY(auto const key,
              substrate::StorageKey(runtime.metadata, *runtime.metadata.FindPallet(pallet),
                                    *definition, keys));
  array params{json::Value("0x" + crypto::Hex(key))};
  if (at) params.push_back(json::Value(HexOf(*at)));
  TRELLIS_TRY(auto const answer, rpc_->Call("state_getStorage", std::move(params)));
  Bytes bytes = definition->fallback;
  if (!answer.is_null()) {
    TRELLIS_TRY(bytes, BytesOf(answer));
  } else if (definition->optional) {
    return std::optional<json::Value>();
  }
  TRELLIS_TRY(auto value, runtime.codec.Decode(definition->value, bytes));
  return std::optional(std::move(value));
}

Result<json::Value> ChainReader::Events(ChainRuntime const& runtime, Hash const& block) {
  auto const* const definition = runtime.metadata.FindStorage("System", "Events");
  auto const key =
      substrate::StoragePrefix(runtime.metadata.FindPallet("System")->prefix, "Events");
  TRELLIS_TRY(auto const answer,
              rpc_->Call("state_getStorage",
                         {json::Value("0x" + crypto::Hex(key)), json::Value(HexOf(block))}));
  if (answer.is_null()) return json::Value(array());
  TRELLIS_TRY(auto const bytes, BytesOf(answer));
  return runtime.codec.Decode(definition->value, bytes);
}

Result<std::vector<Bytes>> ChainReader::Extrinsics(Hash const& block) {
  TRELLIS_TRY(auto const answer, rpc_->Call("chain_getBlock", {json::Value(HexOf(block))}));
  TRELLIS_TRY(auto const* const inner, substrate::GetMember(answer, "block"));
  TRELLIS_TRY(auto const* const list, substrate::GetMember(*inner, "extrinsics"));
  if (!list->is_array()) return Fail(Code::kDecode, "the node answered no list of extrinsics");
  std::vector<Bytes> extrinsics;
  for (auto const& item : list->get_array()) {
    TRELLIS_TRY(auto bytes, BytesOf(item));
    extrinsics.push_back(std::move(bytes));
  }
  return extrinsics;
}

}  // namespace trellis::ledger::tfchain
