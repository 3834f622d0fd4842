// The members of one etcd cluster: which one is asked, and who is asked when it fails.
#pragma once

#include "kernel/ledger/etcd/connection.hpp"
#include "kernel/ledger/etcd/options.hpp"

#include <trellis/result.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::ledger::etcd {

/// Safe for use by several threads. Errors of calls: kUnavailable (nobody answered: the call may
/// have been carried out or not), kInvalid (etcd refuses the form), kDenied, kExhausted.
class Members {
 public:
  enum class Try {
    kOne,      ///< one member; the next call after a failure asks another
    kAll,      ///< each member once, until one answers
    kPatient,  ///< all of them again and again while an election may be going on
  };

  /// Does not connect yet. kInvalid: no member, a malformed address, an unreadable certificate.
  static Result<std::unique_ptr<Members>> Make(EtcdOptions const& options);

  /// The body of the answer.
  Result<std::string> Call(std::string_view target, std::string_view body, Try how);
  /// A stream of answers, with its own connection.
  Result<std::unique_ptr<Connection>> Stream(std::string_view target, std::string_view body);
  /// The next call asks another member.
  void Avoid();

 private:
  struct Lease;  // a connection and whose it is
  explicit Members(EtcdOptions const& options) : options_(options) {}

  Result<std::string> CallOne(std::string_view target, std::string_view body);
  Result<HttpAnswer> Exchange(HttpRequest const& request);
  Result<Lease> Borrow();
  void GiveBack(Lease lease);
  void AvoidMember(std::size_t member);
  /// The present token; logs in when there is none. "" when no user is configured.
  Result<std::string> Token();
  void ForgetToken(std::string const& token);

  EtcdOptions const options_;
  std::vector<Endpoint> endpoints_;
  std::shared_ptr<Tls> tls_;
  std::mutex mutex_;                               // guards all below
  std::condition_variable answered_;               // somebody got an answer
  std::size_t current_ = 0;                        // index of the member that is asked
  std::vector<std::unique_ptr<Connection>> idle_;  // to the current one
  std::string token_;
};

}  // namespace trellis::ledger::etcd
