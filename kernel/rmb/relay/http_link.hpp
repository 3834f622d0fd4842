// One connection to another relay, kept for the next message.
#pragma once

#include "kernel/rmb/fair_pool.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::rmb {

/// Where a domain is, split for a connection.
struct HttpTarget {
  std::string host;
  std::string port;
  bool tls = true;
  bool operator==(HttpTarget const&) const = default;
};
/// https but for domains with the scheme `ws:` or `http:` and those that `insecure` names.
[[nodiscard]] HttpTarget TargetOf(std::string_view domain,
                                  std::vector<std::string> const& insecure);

/// Belongs to one coroutine on the relay's thread.
class HttpLink {
 public:
  /// Names are looked up on `resolvers`, so that a slow one holds up no other relay.
  HttpLink(boost::asio::io_context& io, boost::asio::ssl::context& tls,
           std::shared_ptr<FairPool> resolvers);
  ~HttpLink();
  HttpLink(HttpLink const&) = delete;
  HttpLink& operator=(HttpLink const&) = delete;

  /// POSTs the bytes; the status of the answer, 0 when there was none in time. Never throws.
  boost::asio::awaitable<unsigned> Post(HttpTarget target, std::string const& bytes);

 private:
  struct Connection;
  boost::asio::awaitable<void> Connect(HttpTarget const& target);
  boost::asio::awaitable<unsigned> Exchange(std::string const& bytes);

  boost::asio::io_context& io_;
  boost::asio::ssl::context& tls_;
  std::shared_ptr<FairPool> resolvers_;  // shared by all links
  std::unique_ptr<Connection> connection_;
};

}  // namespace trellis::rmb
