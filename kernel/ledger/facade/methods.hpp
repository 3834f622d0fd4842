// JSON-RPC: requests, answers, and the methods that only read.
#pragma once

#include "kernel/ledger/facade/chain.hpp"

#include <trellis/json.hpp>

#include <string>
#include <string_view>

namespace trellis::ledger::facade {

/// The codes of JSON-RPC and of the chain's nodes.
enum class RpcCode : int {
  kParse = -32700,
  kInvalidRequest = -32600,
  kUnknownMethod = -32601,
  kInvalidParams = -32602,
  kInternal = -32603,
  kServer = -32000,
  kBadFormat = 1001,
  kInvalidTransaction = 1010,
};

struct RpcError {
  RpcCode code = RpcCode::kInternal;
  std::string message{};
  std::string data{};  ///< "" = none
};
using RpcResult = tl::expected<json::Value, RpcError>;

inline tl::unexpected<RpcError> RpcFail(RpcCode code, std::string message, std::string data = "") {
  return tl::unexpected<RpcError>(RpcError{code, std::move(message), std::move(data)});
}
/// An error of the ledger where the client did nothing wrong.
RpcError ToRpcError(Error const& error);
/// Why an extrinsic was not included.
RpcError ToSubmitError(Error const& error);

std::string ToHex(crypto::BytesView bytes);
/// `0x` and hex. kInvalidParams.
tl::expected<crypto::Bytes, RpcError> BytesParam(boost::json::array const& params,
                                                 std::size_t index);
json::Value HeaderJson(substrate::Header const& header);
json::Value RuntimeVersionJson(Runtime const& runtime);
/// `{block, changes}` of these keys as of a block; a key that is no hex is skipped.
RpcResult StorageChanges(Chain& chain, boost::json::array const& keys,
                         embedded::Block const& block);

/// One call of a method that answers at once. `finalized` is the height that counts as final.
RpcResult CallMethod(Chain& chain, std::uint64_t finalized, std::string_view method,
                     boost::json::array const& params);
/// All names, also of those that sessions handle.
json::Value MethodNames();

}  // namespace trellis::ledger::facade
