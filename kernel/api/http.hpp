// The node's small HTTP listener: metrics for a collector, health for a watchdog, and what others
// answer.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::api {

struct HttpRequest {
  std::string_view method{};
  std::string_view target{};
  std::string_view body{};
};
struct HttpReply {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};
};

/// GET /metrics (Prometheus text) and GET /health (200 `ok`, 503 with what is wrong). One thread,
/// `http`.
class HttpServer {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;                ///< 0 = any free one
    std::function<std::string()> metrics;  ///< called on the server's thread
    std::function<std::string()> trouble;  ///< likewise: why the node is not healthy, "" = it is
    /// Answers other requests, or gives nothing: 404. Called on the server's thread. Pages of any
    /// origin may read these answers.
    std::function<std::optional<HttpReply>(HttpRequest const&)> more;
    std::size_t max_body = std::size_t{64} << 10U;
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
