// JSON-RPC to a chain's node: calls, subscriptions that outlive a connection, and watched requests.
#pragma once

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::ledger::tfchain {

/// Kept through reconnects. `notify` is called on the client's thread and must be quick.
struct Subscription {
  std::string method;
  std::function<void(json::Value const&)> notify;
};

struct RpcOptions {
  std::vector<std::string> urls{};                  ///< of nodes of one chain, asked in turn
  std::chrono::milliseconds timeout{10'000};        ///< of one call
  std::chrono::milliseconds patience{2'000};        ///< of a call, for a connection
  std::chrono::milliseconds longest_pause{10'000};  ///< between attempts to connect
  std::vector<Subscription> subscriptions{};
  std::function<void()> connected{};  ///< each time anew, on the client's thread, before any call
};

/// Safe for use by several threads; one thread of its own, `tfchain`. Connects again after 0.5 s,
/// then after ever longer.
class RpcClient {
 public:
  /// kInvalid: no url, or a malformed one.
  static Result<std::unique_ptr<RpcClient>> Start(RpcOptions options);
  /// Calls in flight fail.
  ~RpcClient();
  RpcClient(RpcClient const&) = delete;
  RpcClient& operator=(RpcClient const&) = delete;

  /// A question: asked once more when its connection is lost. kUnavailable: no connection, lost
  /// again, or no answer in time. kInvalid: the node's error, as
  /// `<code> <message>: <data>`; kNotFound when it does not know a block.
  Result<json::Value> Call(std::string_view method, boost::json::array params);
  /// Subscribes and waits until `until` makes something of an update. Errors as Call.
  Result<json::Value> Watch(
      std::string_view method, boost::json::array params,
      std::function<std::optional<Result<json::Value>>(json::Value const&)> until,
      std::chrono::milliseconds timeout);

 private:
  class Impl;
  explicit RpcClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trellis::ledger::tfchain
