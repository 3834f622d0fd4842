// Real etcd members for tests: started, killed, frozen, asked. Nothing of them is left behind.
#pragma once

#include "kernel/ledger/etcd/options.hpp"
#include "kernel/sys/fd.hpp"
#include "kernel/sys/process.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace trellis::ledger {

class EtcdCluster {
 public:
  struct Options {
    std::size_t members = 3;
    std::vector<std::string> netns{};  ///< of each member, by name; empty: this one
    std::vector<std::string>
        addresses{};              ///< of each member; empty: loopback, other ones each time
    std::filesystem::path tls{};  ///< folder with ca.pem, cert.pem, key.pem; "" = plain
  };

  /// Starts the members and waits until all serve.
  static Result<std::unique_ptr<EtcdCluster>> Start(Options options);
  static Result<std::unique_ptr<EtcdCluster>> Start() { return Start(Options{}); }
  ~EtcdCluster();
  EtcdCluster(EtcdCluster const&) = delete;
  EtcdCluster& operator=(EtcdCluster const&) = delete;

  [[nodiscard]] std::vector<std::string> endpoints() const;
  [[nodiscard]] std::string endpoint(std::size_t member) const;
  /// Options for a ledger of its own in this cluster: other keys than all others.
  [[nodiscard]] EtcdOptions NewLedger();

  /// SIGKILL; its data stays.
  void Kill(std::size_t member);
  /// Starts a killed member again; returns when it serves.
  Result<void> Restart(std::size_t member);
  Result<std::size_t> Leader();
  /// Forgets all revisions but the present one.
  Result<void> Compact();
  /// Carries out one call of the API at the first running member.
  Result<std::string> Call(std::string const& target, std::string const& body,
                           std::string const& token = "");

 private:
  struct Member {
    std::string address;
    std::optional<sys::ChildProcess> process;
    sys::UniqueFd ready;  // socket that it tells when it serves
  };

  explicit EtcdCluster(Options options) : options_(std::move(options)) {}
  Result<void> Spawn(std::size_t index);
  Result<void> AwaitReady(std::size_t index);
  Result<std::string> CallMember(std::size_t index, std::string const& target,
                                 std::string const& body, std::string const& token = "");
  [[nodiscard]] std::vector<std::string> Arguments(std::size_t index) const;
  [[nodiscard]] std::string scheme() const { return options_.tls.empty() ? "http" : "https"; }

  Options options_;
  std::filesystem::path dir_;
  std::vector<Member> members_;
  unsigned ledgers_ = 0;
};

}  // namespace trellis::ledger
