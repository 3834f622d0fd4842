// HTTPS requests to a certificate authority. Not thread-safe.
#pragma once

#include <trellis/result.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

namespace trellis::plugins::gateway {

struct HttpAnswer {
  long status = 0;
  std::string body;
  std::string location;
  std::string nonce;
  std::chrono::seconds retry_after{0};  ///< 0 = it does not say
};

class HttpsClient {
 public:
  /// `ca_file`: whom to trust instead of the system's authorities, "" = those.
  /// `stop` ends requests.
  HttpsClient(std::string ca_file, std::atomic<bool> const& stop);
  ~HttpsClient();
  HttpsClient(HttpsClient const&) = delete;
  HttpsClient& operator=(HttpsClient const&) = delete;

  /// kUnavailable when there is no answer.
  Result<HttpAnswer> Get(std::string const& url);
  /// A signed request.
  Result<HttpAnswer> Post(std::string const& url, std::string const& body);

 private:
  struct Handle;
  Result<HttpAnswer> Run(std::string const& url, std::string const* body);
  std::unique_ptr<Handle> handle_;
  std::string ca_file_;
  std::atomic<bool> const& stop_;
};

}  // namespace trellis::plugins::gateway
