// zmount: one disk of trellis.storage.disk/1 per workload.
#pragma once

#include "plugins/zmount/data.hpp"

#include <trellis/sdk.hpp>
#include <trellis/services/storage.hpp>

#include <string>
#include <vector>

namespace trellis::plugins::zmount {

/// Thread-safe: no state.
class ZMountProvisioner {
 public:
  explicit ZMountProvisioner(Host host) : host_(host) {}

  Result<Outcome<ZMountResult>> Provision(Call& call, Workload<ZMount> const& workload);
  /// Grows. UNCHANGED when smaller, while a machine uses the disk, or when the growth fails.
  Result<Outcome<ZMountResult>> Update(Call& call, Workload<ZMount> const& workload);
  Result<void> Deprovision(Call& call, Workload<ZMount> const& workload);
  Result<Observed> Inspect(Call& call, Workload<ZMount> const& workload);
  Result<std::vector<std::string>> ListOwned(Call& call);
  /// kExhausted for a disk that no pool could ever hold.
  Result<void> Precheck(Call& call, PrecheckOp op, Workload<ZMount> const& workload);

 private:
  Result<services::Disk> Ask(Call& call, std::string_view method, Workload<ZMount> const& workload,
                             std::uint64_t size);

  Host host_;
};

}  // namespace trellis::plugins::zmount
