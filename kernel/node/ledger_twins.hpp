// Twins as the message bus needs them, read from the ledger.
#pragma once

#include "kernel/ledger/ledger.hpp"
#include "kernel/rmb/twins.hpp"

#include <trellis/result.hpp>

#include <cstdint>

namespace trellis::node {

class LedgerTwins final : public rmb::TwinDirectory {
 public:
  /// The ledger is borrowed.
  explicit LedgerTwins(ledger::Ledger& ledger) : ledger_(ledger) {}

  Result<rmb::TwinInfo> Twin(std::uint32_t id) override {
    TRELLIS_TRY(auto const twin, ledger_.GetTwin(id));
    rmb::TwinInfo info;
    info.id = twin.id;
    info.account = twin.account.bytes;
    info.relay = twin.relay;
    if (twin.pk.has_value()) info.pk = twin.pk->bytes;
    return info;
  }

 private:
  ledger::Ledger& ledger_;
};

}  // namespace trellis::node
