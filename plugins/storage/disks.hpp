// Disk files: the provider half of trellis.storage.disk/1.
#pragma once

#include "plugins/storage/pools.hpp"

#include <trellis/host.hpp>
#include <trellis/services/storage.hpp>

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::storage {

/// Thread-safe. `placement` is held while something is placed in a pool; it is shared with Volumes.
class Disks {
 public:
  Disks(Host host, StorageConfig const& config, Pools const& pools, std::mutex& placement)
      : host_(host), config_(config), pools_(pools), placement_(placement) {}

  /// A preallocated file of `size` bytes; the one that is there when there is one, whatever its
  /// size. kInvalid, kExhausted.
  Result<services::Disk> Create(services::DiskRequest const& request);
  /// kNotFound `no disk of '<owner>'`.
  Result<services::Disk> Lookup(std::string_view owner) const;
  /// Grows. kInvalid `not safe to shrink a disk`, kExhausted.
  Result<services::Disk> Resize(services::DiskRequest const& request);
  Result<services::Disk> Format(services::DiskFormat const& request);
  /// kInvalid `image size is bigger than disk`; kCancelled leaves a disk that the next call writes
  /// again from the start.
  Result<services::Disk> WriteImage(Call& call, services::DiskImage const& request);
  Result<services::Disk> Claim(services::DiskClaim const& request);
  /// OK when the disk or the claim is gone.
  Result<void> Unclaim(services::DiskClaim const& request);
  /// OK when missing.
  Result<void> Delete(std::string_view owner);
  Result<services::DiskList> List() const;
  /// Deletes disks and drops claims of workload ids that are not among `owners`.
  Result<void> Release(std::vector<std::string> const& owners);
  [[nodiscard]] services::DiskLimits Limits() const { return {pools_.Largest("ssd")}; }

 private:
  struct Found {
    Pool const* pool;
    std::string path;
    std::uint64_t size;
  };
  Result<Found> Find(std::string_view owner) const;
  Result<services::Disk> Describe(std::string_view owner, Found const& found) const;
  Result<std::vector<std::string>> Claims(std::string_view owner) const;
  Result<void> StoreClaims(std::string_view owner, std::vector<std::string> const& claims) const;
  [[nodiscard]] bool HalfWritten(std::string_view owner) const;

  Host host_;
  StorageConfig const& config_;
  Pools const& pools_;
  std::mutex& placement_;
  std::mutex claims_;  // read-modify-write of the stored claims
};

}  // namespace trellis::plugins::storage
