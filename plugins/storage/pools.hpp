// Pools: btrfs directories that disks and volumes are placed in.
//
// Layout of a pool: `vdisks/<owner>` are disk files, `<slot>:<owner>` are subvolumes with a limit.
// What is in use is read from there each time, never remembered.
#pragma once

#include "plugins/storage/config.hpp"

#include <trellis/capacity.hpp>
#include <trellis/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::storage {

struct Pool {
  PoolConfig config;
  std::string root;             ///< the btrfs directory: config.path or its `mnt`
  std::uint64_t size = 0;       ///< bytes; 0 while the pool is not usable
  std::string problem;          ///< why it is not usable, "" when it is
  std::uint64_t hdd_share = 0;  ///< bytes of an ssd pool that are offered as hdd

  [[nodiscard]] bool usable() const { return problem.empty(); }
  [[nodiscard]] std::string disk_dir() const { return root + "/vdisks"; }
};

/// What `pools` and `capacity` report.
struct PoolUse {
  std::string name;
  std::string type;
  std::uint64_t size = 0;
  std::uint64_t used = 0;
};
BOOST_DESCRIBE_STRUCT(PoolUse, (), (name, type, size, used))

enum class Purpose { kDisk, kVolume };

/// Slots of the subvolumes that Devices makes: a whole pool, and the hdd share of an ssd pool.
inline constexpr std::string_view kWholeSlot = "device";
inline constexpr std::string_view kShareSlot = "zdb";

/// What is in a pool now.
struct PoolContent {
  std::uint64_t used = 0;   ///< bytes of disks and volumes
  std::uint64_t share = 0;  ///< bytes of the hdd share that are lent
  bool lent = false;        ///< the whole pool belongs to one plugin
  bool has_disks = false;
  bool has_volumes = false;
};

/// Immutable after Mount. Whoever places something holds one lock over Choose and the placement.
class Pools {
 public:
  /// The pools of `config`, not usable yet; without any, one ssd pool `<state_dir>/pools/ssd0`.
  /// kInvalid.
  static Result<Pools> Configure(StorageConfig const& config, std::string const& state_dir);
  /// Mounts and checks every pool. One that cannot be used stays in the list with its problem.
  void Mount();

  [[nodiscard]] std::vector<Pool> const& list() const { return pools_; }
  /// Sums the limits of volumes and the sizes of disks.
  [[nodiscard]] static Result<PoolContent> ReadContent(Pool const& pool);
  /// The pool of `type` that `size` more bytes fit in; those that hold disks first, then the one
  /// with most room. kExhausted.
  [[nodiscard]] Result<Pool const*> Choose(std::string_view type, std::uint64_t size,
                                           Purpose purpose) const;
  /// kExhausted unless `size` more bytes fit in `pool`.
  [[nodiscard]] static Result<void> CheckRoom(Pool const& pool, std::uint64_t size);
  /// The size of the biggest usable pool of `type`, bytes.
  [[nodiscard]] std::uint64_t Largest(std::string_view type) const;
  [[nodiscard]] std::vector<PoolUse> Uses() const;
  /// Sizes by type (sru, hru) without the reserved bytes.
  [[nodiscard]] Capacity Total() const;

 private:
  void SetHddShare();

  bool hdd_from_ssd_ = false;
  std::uint64_t zdb_size_ = 0;
  std::vector<Pool> pools_;
};

}  // namespace trellis::plugins::storage
