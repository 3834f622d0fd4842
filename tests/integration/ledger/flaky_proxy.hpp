// A way to one etcd member that loses answers.
#pragma once

#include "kernel/sys/fd.hpp"

#include <atomic>
#include <string>
#include <thread>

namespace trellis::ledger {

/// Carries bytes between clients and the member until it ends.
class FlakyProxy {
 public:
  /// `member`: an http endpoint with an IPv4 address. Aborts the test program when it cannot
  /// listen.
  explicit FlakyProxy(std::string const& member);
  ~FlakyProxy();
  FlakyProxy(FlakyProxy const&) = delete;
  FlakyProxy& operator=(FlakyProxy const&) = delete;

  [[nodiscard]] std::string endpoint() const;
  /// The next answer to a transaction that was carried out does not arrive: its connection ends.
  void LoseNextCommit() { lose_ = true; }
  [[nodiscard]] int lost() const { return lost_; }

 private:
  void Serve();

  std::string address_;
  std::uint16_t member_port_ = 0;
  std::uint16_t port_ = 0;
  sys::UniqueFd listener_;
  sys::UniqueFd stop_;
  std::atomic<bool> lose_ = false;
  std::atomic<int> lost_ = 0;
  std::thread thread_;
};

}  // namespace trellis::ledger
