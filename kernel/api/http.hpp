// The node's small HTTP listener: metrics for a collector, health for a watchdog.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace trellis::api {

/// GET /metrics (Prometheus text) and GET /health (200 `ok`, 503 with what is wrong). One thread,
/// `http`.
class HttpServer {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;                ///< 0 = any free one
    std::function<std::string()> metrics;  ///< called on the server's thread
    std::function<std::string()> trouble;  ///< likewise: why the node is not healthy, "" = it is
  };
  /// kIo when the address is taken, kInvalid when it is none.
  static Result<std::unique_ptr<HttpServer>> Start(Options options);
  ~HttpServer();
  HttpServer(HttpServer const&) = delete;
  HttpServer& operator=(HttpServer const&) = delete;

  /// `http://host:port` as really bound.
  [[nodiscard]] std::string url() const;

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trellis::api
