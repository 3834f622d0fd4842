#include "kernel/ledger/facade/methods.hpp"

#include "kernel/base/strings.hpp"

#include <algorithm>
#include <array>

namespace trellis::ledger::facade {
namespace {

using boost::json::array;
using boost::json::object;
using embedded::Block;
using substrate::Hash;

constexpr std::size_t kMaxKeys = 256;  // of one request for storage

struct Call {
  Chain& chain;
  std::uint64_t finalized = 0;
  array const& params;
};

RpcError BadParams(std::string_view what) {
  return {RpcCode::kInvalidParams, fmt::format("Invalid params: {}", what), ""};
}

tl::expected<Hash, RpcError> HashParam(array const& params, std::size_t index) {
  auto const bytes = BytesParam(params, index);
  if (!bytes) return tl::unexpected<RpcError>(bytes.error());
  auto const hash = crypto::Exactly<32>(*bytes);
  if (!hash) return tl::unexpected<RpcError>(BadParams("expected a block hash"));
  return *hash;
}

bool IsMissing(array const& params, std::size_t index) {
  return index >= params.size() || params[index].is_null();
}

/// The block that a hash names, or the newest one without a hash.
tl::expected<Block, RpcError> BlockParam(Call const& call, std::size_t index) {
  auto const found = [&]() -> tl::expected<Result<Block>, RpcError> {
    if (IsMissing(call.params, index)) {
      auto const height = call.chain.Height();
      if (!height) return Result<Block>(tl::unexpected<Error>(height.error()));
      return call.chain.BlockAt(*height);
    }
    auto const hash = HashParam(call.params, index);
    if (!hash) return tl::unexpected<RpcError>(hash.error());
    return call.chain.BlockOf(*hash);
  }();
  if (!found) return tl::unexpected<RpcError>(found.error());
  if (!*found) return tl::unexpected<RpcError>(ToRpcError(found->error()));
  return **found;
}

/// As nodes do: an unknown block is no error but null.
RpcResult NullIfUnknown(RpcError const& error) {
  if (error.code == RpcCode::kServer) return json::Value(nullptr);
  return tl::unexpected<RpcError>(error);
}

tl::expected<std::uint64_t, RpcError> NumberParam(json::Value const& value) {
  if (value.is_int64() && value.get_int64() >= 0)
    return static_cast<std::uint64_t>(value.get_int64());
  if (value.is_uint64()) return value.get_uint64();
  if (value.is_string()) {
    std::string_view const text = value.get_string();
    auto const number = text.starts_with("0x")
                            ? strings::ParseNumber<std::uint64_t>(text.substr(2), 16)
                            : strings::ParseNumber<std::uint64_t>(text);
    if (number) return *number;
  }
  return tl::unexpected<RpcError>(BadParams("expected a block number"));
}

RpcResult HashOfNumber(Call const& call, json::Value const& value) {
  auto const number = NumberParam(value);
  if (!number) return tl::unexpected<RpcError>(number.error());
  if (*number == 0) return json::Value(ToHex(call.chain.genesis()));
  auto const block = call.chain.BlockAt(*number);
  if (!block) return NullIfUnknown(ToRpcError(block.error()));
  return json::Value(ToHex(block->hash));
}

RpcResult GetBlockHash(Call const& call) {
  if (IsMissing(call.params, 0)) {
    auto const block = BlockParam(call, 0);
    if (!block) return tl::unexpected<RpcError>(block.error());
    return json::Value(ToHex(block->hash));
  }
  if (!call.params[0].is_array()) return HashOfNumber(call, call.params[0]);
  array hashes;
  auto const& numbers = call.params[0].get_array();
  if (numbers.size() > kMaxKeys) return tl::unexpected<RpcError>(BadParams("too many numbers"));
  for (auto const& number : numbers) {
    auto hash = HashOfNumber(call, number);
    if (!hash) return hash;
    hashes.push_back(*std::move(hash));
  }
  return hashes;
}

RpcResult GetHeader(Call const& call) {
  auto const block = BlockParam(call, 0);
  if (!block) return NullIfUnknown(block.error());
  return HeaderJson(block->header);
}

RpcResult GetFinalizedHead(Call const& call) {
  auto const block = call.chain.BlockAt(call.finalized);
  if (!block) return tl::unexpected<RpcError>(ToRpcError(block.error()));
  return json::Value(ToHex(block->hash));
}

RpcResult GetBlock(Call const& call) {
  auto const block = BlockParam(call, 0);
  if (!block) return NullIfUnknown(block.error());
  auto const extrinsics = call.chain.ExtrinsicsOf(*block);
  if (!extrinsics) return tl::unexpected<RpcError>(ToRpcError(extrinsics.error()));
  array list;
  for (auto const& bytes : *extrinsics)
    list.push_back(json::Value(ToHex(bytes)));
  return object{
      {"block", object{{"header", HeaderJson(block->header)}, {"extrinsics", std::move(list)}}},
      {"justifications", nullptr}};
}

RpcResult GetStorage(Call const& call) {
  auto const key = BytesParam(call.params, 0);
  if (!key) return tl::unexpected<RpcError>(key.error());
  std::optional<Hash> at;
  if (!IsMissing(call.params, 1)) {
    auto const hash = HashParam(call.params, 1);
    if (!hash) return tl::unexpected<RpcError>(hash.error());
    at = *hash;
  }
  auto const value = call.chain.Storage(*key, at);
  if (!value) return tl::unexpected<RpcError>(ToRpcError(value.error()));
  return *value ? json::Value(ToHex(**value)) : json::Value(nullptr);
}

RpcResult QueryStorageAt(Call const& call) {
  auto const block = BlockParam(call, 1);
  if (!block) return tl::unexpected<RpcError>(block.error());
  auto const* const keys = call.params.empty() ? nullptr : call.params[0].if_array();
  if (keys == nullptr) return tl::unexpected<RpcError>(BadParams("expected a list of keys"));
  auto changes = StorageChanges(call.chain, *keys, *block);
  if (!changes) return changes;
  return array{*std::move(changes)};
}

RpcResult AccountNextIndex(Call const& call) {
  auto const* const text = call.params.empty() ? nullptr : call.params[0].if_string();
  if (text == nullptr) return tl::unexpected<RpcError>(BadParams("expected an address"));
  Account account;
  auto const key = crypto::FromSs58Address(std::string_view(*text));
  if (!key) return tl::unexpected<RpcError>(BadParams("this is no address"));
  account.bytes = *key;
  auto const nonce = call.chain.NextNonce(account);
  if (!nonce) return tl::unexpected<RpcError>(ToRpcError(nonce.error()));
  return json::Value(*nonce);
}

RpcResult GetMetadata(Call const& call) {
  return json::Value(ToHex(call.chain.runtime().encoded));
}
RpcResult GetRuntimeVersion(Call const& call) {
  return RuntimeVersionJson(call.chain.runtime());
}
RpcResult GetChainName(Call const&) {
  return json::Value("Trellis");
}
RpcResult GetNodeName(Call const&) {
  return json::Value("trellisd");
}
RpcResult GetProperties(Call const&) {
  return object{{"ss58Format", 42}, {"tokenDecimals", 7}, {"tokenSymbol", "TFT"}};
}
RpcResult GetHealth(Call const&) {
  return object{{"peers", 0}, {"isSyncing", false}, {"shouldHavePeers", false}};
}
RpcResult GetMethods(Call const&) {
  return object{{"methods", MethodNames()}};
}

struct Row {
  std::string_view name;
  RpcResult (*run)(Call const&) = nullptr;  ///< null: sessions handle it
};

constexpr std::array kRows{
    Row{"author_submitAndWatchExtrinsic"},
    Row{"author_submitExtrinsic"},
    Row{"author_unwatchExtrinsic"},
    Row{"chain_getBlock", GetBlock},
    Row{"chain_getBlockHash", GetBlockHash},
    Row{"chain_getFinalizedHead", GetFinalizedHead},
    Row{"chain_getHeader", GetHeader},
    Row{"chain_subscribeAllHeads"},
    Row{"chain_subscribeFinalizedHeads"},
    Row{"chain_subscribeNewHeads"},
    Row{"chain_unsubscribeAllHeads"},
    Row{"chain_unsubscribeFinalizedHeads"},
    Row{"chain_unsubscribeNewHeads"},
    Row{"rpc_methods", GetMethods},
    Row{"state_getMetadata", GetMetadata},
    Row{"state_getRuntimeVersion", GetRuntimeVersion},
    Row{"state_getStorage", GetStorage},
    Row{"state_queryStorageAt", QueryStorageAt},
    Row{"state_subscribeRuntimeVersion"},
    Row{"state_subscribeStorage"},
    Row{"state_unsubscribeRuntimeVersion"},
    Row{"state_unsubscribeStorage"},
    Row{"system_accountNextIndex", AccountNextIndex},
    Row{"system_chain", GetChainName},
    Row{"system_health", GetHealth},
    Row{"system_name", GetNodeName},
    Row{"system_properties", GetProperties},
    Row{"system_version", GetNodeName},
};

}  // namespace

RpcError ToRpcError(Error const& error) {
  if (error.code == Code::kNotFound) return {RpcCode::kServer, "Unknown block", error.message};
  return {RpcCode::kInternal, "Internal error", error.message};
}

RpcError ToSubmitError(Error const& error) {
  switch (error.code) {
    case Code::kDecode:
    case Code::kUnsupported:
      return {RpcCode::kBadFormat, "Extrinsic has invalid format", error.message};
    case Code::kInvalid:
    case Code::kDenied:
      return {RpcCode::kInvalidTransaction, "Invalid Transaction", error.message};
    default:
      return {RpcCode::kInternal, "Internal error", error.message};
  }
}

std::string ToHex(crypto::BytesView bytes) {
  return "0x" + crypto::Hex(bytes);
}

tl::expected<crypto::Bytes, RpcError> BytesParam(array const& params, std::size_t index) {
  auto const* const text = index < params.size() ? params[index].if_string() : nullptr;
  if (text != nullptr) {
    if (auto bytes = crypto::FromHex0x(std::string_view(*text)); bytes) return *std::move(bytes);
  }
  return tl::unexpected<RpcError>(BadParams("expected 0x and hex digits"));
}

json::Value HeaderJson(substrate::Header const& header) {
  return object{{"parentHash", ToHex(header.parent)},
                {"number", fmt::format("0x{:x}", header.number)},
                {"stateRoot", ToHex(header.state_root)},
                {"extrinsicsRoot", ToHex(header.extrinsics_root)},
                {"digest", object{{"logs", array()}}}};
}

json::Value RuntimeVersionJson(Runtime const& runtime) {
  return object{{"specName", kSpecName},
                {"implName", kSpecName},
                {"authoringVersion", 1},
                {"specVersion", runtime.spec_version},
                {"implVersion", 1},
                {"apis", array()},  // none: clients then take the metadata by state_getMetadata
                {"transactionVersion", kTxVersion},
                {"stateVersion", 1}};
}

RpcResult StorageChanges(Chain& chain, array const& keys, Block const& block) {
  if (keys.size() > kMaxKeys) return tl::unexpected<RpcError>(BadParams("too many keys"));
  array changes;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto const key = BytesParam(keys, i);
    if (!key) return tl::unexpected<RpcError>(key.error());
    auto const value = chain.Storage(*key, block.hash);
    if (!value) return tl::unexpected<RpcError>(ToRpcError(value.error()));
    changes.push_back(
        array{json::Value(ToHex(*key)), *value ? json::Value(ToHex(**value)) : json::Value()});
  }
  return object{{"block", ToHex(block.hash)}, {"changes", std::move(changes)}};
}

RpcResult CallMethod(Chain& chain, std::uint64_t finalized, std::string_view method,
                     array const& params) {
  auto const found = std::ranges::find(kRows, method, &Row::name);
  if (found == kRows.end() || found->run == nullptr)
    return RpcFail(RpcCode::kUnknownMethod, "Method not found");
  return found->run(Call{chain, finalized, params});
}

json::Value MethodNames() {
  array names;
  for (auto const& row : kRows)
    names.push_back(json::Value(row.name));
  return names;
}

}  // namespace trellis::ledger::facade
