// A small HTTP server, for tests of downloads and proxies.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace trellis::testing {

/// One request at a time, on its own thread, until it is destroyed.
class HttpServer {
 public:
  /// Gets the whole request head, answers the whole response (status line, headers, body).
  using Handler = std::function<std::string(std::string const& request)>;

  /// Listens on any free port of `address` (IPv4).
  explicit HttpServer(Handler handler, std::string address = "127.0.0.1");
  ~HttpServer();
  HttpServer(HttpServer const&) = delete;
  HttpServer& operator=(HttpServer const&) = delete;
  /// `http://<address>:<port>`
  [[nodiscard]] std::string url() const;

 private:
  void Serve();

  Handler handler_;
  std::string address_;
  int listener_ = -1;
  std::thread thread_;
};

/// `HTTP/1.1 <status>` with a body, more header lines (each with `\r\n`) before it.
std::string HttpResponse(std::string const& status, std::string const& body,
                         std::string const& headers = "");

}  // namespace trellis::testing
