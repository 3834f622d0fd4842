// A ledger that this software keeps itself, with what its tools want to know besides.
#pragma once

#include "kernel/ledger/ledger.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <vector>

namespace trellis::ledger {

/// See Ledger.
class HostedLedger : public Ledger {
 public:
  /// 32 random bytes that name this ledger for ever. kNotFound: nobody has written to it yet.
  virtual Result<Account> Genesis() = 0;
  /// Ids, ascending, above `after`.
  virtual Result<std::vector<std::uint32_t>> ListTwins(std::uint32_t after, std::size_t limit) = 0;
  virtual Result<std::vector<std::uint32_t>> ListFarms(std::uint32_t after, std::size_t limit) = 0;
  /// Live contracts of a twin, ids ascending, above `after`.
  virtual Result<std::vector<std::uint64_t>> ListTwinContracts(std::uint32_t twin,
                                                               std::uint64_t after,
                                                               std::size_t limit) = 0;
  /// Deleted contracts still kept, newest first, ids below `before`.
  virtual Result<std::vector<Contract>> History(std::uint64_t before, std::size_t limit) = 0;
  /// The newest report. kNotFound.
  virtual Result<ContractResources> ReportedResources(std::uint64_t contract) = 0;
  /// Sum of the windows kept, bytes.
  virtual Result<std::uint64_t> ReportedNru(std::uint64_t contract) = 0;
};

}  // namespace trellis::ledger
