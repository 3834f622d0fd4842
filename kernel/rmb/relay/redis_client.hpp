// One connection to a Redis server, made again whenever it is lost; commands are pipelined.
#pragma once

#include "kernel/rmb/relay/options.hpp"
#include "kernel/rmb/resp.hpp"

#include <trellis/result.hpp>

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace trellis::rmb {

/// Belongs to the relay's I/O thread.
class RedisClient {
 public:
  using Answer = Result<RespValue>;
  /// Once: the server's answer (also an error of it as a value), or kUnavailable when the
  /// connection was lost; then nobody knows whether the command was run.
  using Done = std::function<void(Answer)>;
  struct Events {
    std::function<void()> connected;
    std::function<void()> lost;
    /// A message of the channel that was subscribed to.
    std::function<void(std::string)> message;
  };
  /// Commands that wait for their answers may hold so much; more fail at once.
  static constexpr std::size_t kMaxPendingBytes = std::size_t{64} << 20U;

  /// Connects in the background. `channel`: only listen to it, "" = send commands.
  RedisClient(boost::asio::io_context& io, RedisOptions const& options, std::string channel,
              Events events);
  ~RedisClient();
  RedisClient(RedisClient const&) = delete;
  RedisClient& operator=(RedisClient const&) = delete;

  void Send(std::vector<std::string> const& command, Done done);
  [[nodiscard]] bool connected() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // shared with its operations under way
};

}  // namespace trellis::rmb
