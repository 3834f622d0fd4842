// One websocket connection of one twin to a relay (or to an echo server).
#pragma once

#include <trellis/result.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace boost::asio {
class io_context;
}

namespace trellis::load {

/// Belongs to the thread that runs the context.
class Session {
 public:
  using Received = std::function<void(std::string_view)>;
  using Lost = std::function<void(std::string const& why)>;

  /// Connects before it returns. `token` may be empty.
  static Result<std::unique_ptr<Session>> Connect(boost::asio::io_context& io, std::string_view url,
                                                  std::string const& token, Received received,
                                                  Lost lost);
  ~Session();
  Session(Session const&) = delete;
  Session& operator=(Session const&) = delete;

  /// Queues the bytes, which must live until they are written.
  void Send(std::string const& bytes);

 private:
  class Impl;
  explicit Session(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // shared with the operations under way
};

}  // namespace trellis::load
