// Twins that sign deployments and their keys, remembered for a while.
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/crypto/prepared_key.hpp"
#include "kernel/ledger/ledger.hpp"

#include <trellis/result.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace trellis::engine {

/// A twin's account never changes. Verified twins are believed for kBelieved; others are looked up
/// each time, so that a verification counts at once. Safe for use by several threads.
class Signers {
 public:
  static constexpr std::int64_t kBelievedNs = 30'000'000'000;
  static constexpr std::size_t kLimit = 4096;

  /// Both are borrowed.
  Signers(ledger::Ledger& ledger, Clock const& clock) : ledger_(ledger), clock_(clock) {}

  /// As Ledger::GetTwin.
  Result<ledger::Twin> Get(std::uint32_t id);
  crypto::KeyCache& keys() { return keys_; }

 private:
  struct Entry {
    ledger::Twin twin;
    std::int64_t until_ns = 0;
  };
  ledger::Ledger& ledger_;
  Clock const& clock_;
  crypto::KeyCache keys_;
  std::mutex mutex_;  // guards known_
  std::unordered_map<std::uint32_t, Entry> known_;
};

}  // namespace trellis::engine
