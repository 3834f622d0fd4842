// The `[plugin.storage.config]` table.
#pragma once

#include <trellis/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace trellis::plugins::storage {

struct PoolConfig {
  std::string name;
  std::string path;           ///< absolute directory
  std::string type = "ssd";   ///< ssd|hdd
  std::uint64_t size = 0;     ///< bytes; 0 = what there is
  std::uint64_t reserve = 0;  ///< bytes kept out of the announced capacity
  bool lend = false;          ///< may be given to one plugin as a whole
};
BOOST_DESCRIBE_STRUCT(PoolConfig, (), (name, path, type, size, reserve, lend))

struct StorageConfig {
  std::vector<PoolConfig> pools;
  bool hdd_from_ssd =
      false;  ///< without an hdd pool: set a part of the first ssd pool aside as hdd
  std::uint64_t zdb_size = 0;              ///< that part in bytes; 0 = half of the pool
  std::string disk_fs = "btrfs";           ///< what `format` makes when it is not told
  std::string disk_user = "libvirt-qemu";  ///< owner of disk files, root when there is no such user
};
BOOST_DESCRIBE_STRUCT(StorageConfig, (), (pools, hdd_from_ssd, zdb_size, disk_fs, disk_user))

}  // namespace trellis::plugins::storage
