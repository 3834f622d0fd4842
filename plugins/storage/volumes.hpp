// Volumes, directories with a limit: the provider half of trellis.storage.volume/1.
#pragma once

#include "plugins/storage/pools.hpp"

#include <trellis/result.hpp>
#include <trellis/services/storage.hpp>

#include <mutex>
#include <string>
#include <vector>

namespace trellis::plugins::storage {

/// Thread-safe. `placement` is held while something is placed in a pool; it is shared with Disks.
class Volumes {
 public:
  Volumes(Pools const& pools, std::mutex& placement) : pools_(pools), placement_(placement) {}

  /// A subvolume limited to `size` bytes; the one that is there when there is one. kInvalid,
  /// kExhausted.
  Result<services::Volume> Create(services::VolumeRequest const& request);
  /// Changes the limit. kNotFound, kExhausted.
  Result<services::Volume> Update(services::VolumeRequest const& request);
  /// kNotFound.
  Result<services::Volume> Lookup(services::VolumeRequest const& request) const;
  /// OK when missing.
  Result<void> Delete(services::VolumeRequest const& request);
  Result<services::VolumeList> List() const;
  /// Deletes the volumes of workload ids that are not among `owners`.
  Result<void> Release(std::vector<std::string> const& owners);

 private:
  struct Found {
    Pool const* pool;
    services::Volume volume;
  };
  Result<Found> Find(services::VolumeRequest const& request) const;

  Pools const& pools_;
  std::mutex& placement_;
};

}  // namespace trellis::plugins::storage
