// One HTTP connection to one etcd member.
#pragma once

#include <trellis/result.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace trellis::ledger::etcd {

struct Endpoint {
  bool tls = false;
  std::string host{};
  std::string port{};

  /// `http://host:port` or `https://host:port`; IPv6 addresses in brackets. kInvalid.
  static Result<Endpoint> Parse(std::string_view url);
  [[nodiscard]] std::string ToString() const;
};

/// Certificates for https members, read once. Safe for use by several threads.
class Tls {
 public:
  /// An empty path is not used. kInvalid when a file cannot be read.
  static Result<std::shared_ptr<Tls>> Load(std::filesystem::path const& ca,
                                           std::filesystem::path const& cert,
                                           std::filesystem::path const& key);
  struct Context;
  explicit Tls(std::unique_ptr<Context> context);
  ~Tls();
  Tls(Tls const&) = delete;
  Tls& operator=(Tls const&) = delete;
  [[nodiscard]] Context& context() const { return *context_; }

 private:
  std::unique_ptr<Context> context_;
};

struct HttpRequest {
  std::string_view target{};
  std::string_view body{};
  std::string_view token{};  ///< of a logged-in user; "" = none
};

struct HttpAnswer {
  unsigned status = 0;
  std::string body{};
};

/// Keeps the connection open from call to call. One thread at a time, but Cancel. After an error it
/// is of no more use. Errors: kUnavailable, with the member's address.
class Connection {
 public:
  using Limit = std::chrono::milliseconds;

  /// `tls`: only for https.
  static Result<std::unique_ptr<Connection>> Open(Endpoint const& endpoint,
                                                  std::shared_ptr<Tls> const& tls, Limit limit);
  Connection() = default;
  virtual ~Connection() = default;
  Connection(Connection const&) = delete;
  Connection& operator=(Connection const&) = delete;

  virtual Result<HttpAnswer> Post(HttpRequest const& request, Limit limit) = 0;

  /// Asks for an answer that goes on and on; ReadLine gives its lines. After an answer that is not
  /// 200 ReadLine gives the first line of the error.
  virtual Result<void> StartStream(HttpRequest const& request, Limit limit) = 0;
  /// kTimeout: no line yet (a new call goes on waiting). kUnavailable: the stream has ended.
  virtual Result<std::string> ReadLine(Limit limit) = 0;
  /// Makes a running ReadLine, and each to come, end. From any thread.
  virtual void Cancel() = 0;
};

}  // namespace trellis::ledger::etcd
