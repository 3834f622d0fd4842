// Whole pools for one plugin: the provider half of trellis.storage.device/1.
#pragma once

#include "plugins/storage/pools.hpp"

#include <trellis/result.hpp>
#include <trellis/services/storage.hpp>

#include <mutex>
#include <string>
#include <string_view>

namespace trellis::plugins::storage {

/// A lent pool holds the subvolume `device:<owner>` and nothing else; the hdd share of an ssd pool
/// is the subvolume `zdb:<owner>` with a limit. Thread-safe; `placement` is shared with Disks and
/// Volumes.
class Devices {
 public:
  Devices(Pools const& pools, std::mutex& placement) : pools_(pools), placement_(placement) {}

  /// The device that the owner has, else a free one. kInvalid, kExhausted.
  Result<services::Device> Allocate(services::DeviceRequest const& request);
  /// kNotFound.
  Result<services::Device> Lookup(std::string_view owner) const;
  /// Deletes the device's content. OK when there is none.
  Result<void> Release(std::string_view owner);
  Result<services::DeviceList> List() const;

 private:
  Result<services::Device> LendPool(services::DeviceRequest const& request,
                                    std::string const& name) const;
  Result<services::Device> LendShare(services::DeviceRequest const& request,
                                     std::string const& name) const;

  Pools const& pools_;
  std::mutex& placement_;
};

}  // namespace trellis::plugins::storage
