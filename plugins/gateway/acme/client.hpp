// An account at a certificate authority (RFC 8555) and its orders. Not
// thread-safe.
#pragma once

#include "plugins/gateway/acme/http.hpp"
#include "plugins/gateway/certs/openssl.hpp"
#include "plugins/gateway/config.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::gateway {

/// What an authority looks at before it signs.
struct AcmeProofs {
  /// Serves `answer` at `/.well-known/acme-challenge/<token>`; "" takes it back.
  std::function<Result<void>(std::string const& token, std::string const& answer)> http;
  /// Serves the texts as TXT records of `_acme-challenge.<domain>`; none takes them back.
  std::function<Result<void>(std::string const& domain, std::vector<std::string> const& texts)> dns;
};

/// `*.<domain>`: what all names below the domain share.
inline constexpr std::string_view kWildcard = "*.";

class AcmeClient {
 public:
  /// Waits a moment between two looks; false when the client is to end.
  using Pause = std::function<bool()>;

  /// The account's key is kept in the file `key_file`.
  AcmeClient(AcmeConfig const& config, std::string key_file, AcmeProofs proofs,
             std::atomic<bool> const& stop)
      : config_(config),
        key_file_(std::move(key_file)),
        proofs_(std::move(proofs)),
        http_(config.ca, stop) {}

  /// A certificate for the domain with a key of its own: PEM, chain first. One for `*.<domain>` is
  /// for the domain as well, and proved by DNS; others are proved by HTTP.
  /// kUnavailable when the authority cannot be reached, kDenied with its reason and what to do
  /// when the domain was not proved.
  Result<std::string> Order(std::string const& domain, Pause const& pause);
  /// What the authority asked for when it refused the last order; 0 = nothing.
  [[nodiscard]] std::chrono::seconds asked_to_wait() const { return asked_to_wait_; }

 private:
  struct Directory {
    std::string newNonce;
    std::string newAccount;
    std::string newOrder;
    BOOST_DESCRIBE_CLASS(Directory, (), (newNonce, newAccount, newOrder), (), ())
  };
  Result<void> Register();
  Result<HttpAnswer> Ask(std::string const& url, std::string const& payload);
  Result<HttpAnswer> AskOnce(std::string const& url, std::string const& payload);
  tl::unexpected<Error> Refused(HttpAnswer const& answer);
  /// One question of the authority.
  struct Question {
    std::string authorization;  // URLs
    std::string challenge;
    std::string token;
  };
  Result<std::string> Issue(std::string const& domain, Pause const& pause);
  Result<void> Prove(std::vector<std::string> const& authorizations, std::string const& domain,
                     Pause const& pause);
  Result<std::vector<Question>> Questions(std::vector<std::string> const& authorizations,
                                          std::string_view kind);
  Result<void> Show(std::vector<Question> const& questions, std::string const& domain);
  Result<void> TakeBack(std::vector<Question> const& questions, std::string const& domain);
  Result<void> Answer(std::vector<Question> const& questions, Pause const& pause);
  Result<std::string> WaitFor(std::string const& url, std::string const& state, Pause const& pause);

  AcmeConfig const& config_;
  std::string key_file_;
  AcmeProofs proofs_;
  HttpsClient http_;
  Directory directory_;
  PkeyPtr key_;
  std::string account_;  // its URL, "" = not known yet
  std::string nonce_;
  std::chrono::seconds asked_to_wait_{0};
};

}  // namespace trellis::plugins::gateway
