#include "plugins/storage/pools.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/loop.hpp"
#include "plugins/common/posix/mounts.hpp"
#include "plugins/common/posix/tool.hpp"
#include "plugins/storage/btrfs.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <tuple>

namespace trellis::plugins::storage {

namespace {

constexpr std::uint64_t kMixedBelow = std::uint64_t{256} << 20;  // mkfs.btrfs advises it
constexpr std::uint64_t kPoolPercent = 80;
constexpr std::chrono::seconds kMkfsLimit{60};

Result<std::uint64_t> FileSystemBytes(std::string const& path, bool free) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return FailErrno("'{}'", path);
  return std::uint64_t{info.f_frsize} * (free ? info.f_bavail : info.f_blocks);
}

// Makes `<path>/pool.btrfs`. It gets its name last, so that a half-made one is never mounted.
Result<void> MakePoolFile(PoolConfig const& config, std::string const& file) {
  auto size = config.size;
  if (size == 0) {
    TRELLIS_TRY(auto const free, FileSystemBytes(config.path, /*free=*/true));
    size = free / 100 * kPoolPercent;
  }
  auto const temp = file + ".new";
  TRELLIS_TRY(auto const fd, OpenFile(temp, O_RDWR | O_CREAT | O_TRUNC, 0600));
  if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return FailErrno("size '{}'", temp);
  std::vector<std::string> command{"mkfs.btrfs", "-q", "-f"};
  if (size < kMixedBelow) command.emplace_back("--mixed");
  command.push_back(temp);
  auto made = RunTool(command, kMkfsLimit);
  if (made && ::rename(temp.c_str(), file.c_str()) == 0) return {};
  auto failed = made ? FailErrno("rename '{}'", temp) : tl::unexpected<Error>(made.error());
  ::unlink(temp.c_str());
  return failed;
}

Result<void> MountPoolFile(PoolConfig const& config, Pool& pool) {
  auto const file = config.path + "/pool.btrfs";
  pool.root = config.path + "/mnt";
  TRELLIS_TRY(auto const mounted, FindMount(pool.root));
  if (mounted.has_value()) return {};
  TRELLIS_CHECK(MakeDirs(pool.root, 0711));
  if (::access(file.c_str(), F_OK) != 0) TRELLIS_CHECK(MakePoolFile(config, file));
  return MountLoop(file, pool.root, "btrfs", MS_NOATIME);
}

Result<void> Prepare(Pool& pool) {
  auto const& config = pool.config;
  TRELLIS_CHECK(MakeDirs(config.path, 0711));
  TRELLIS_TRY(bool const native, IsBtrfs(config.path));
  pool.root = config.path;
  if (!native) TRELLIS_CHECK(MountPoolFile(config, pool));
  TRELLIS_CHECK(EnableQuota(pool.root));
  TRELLIS_TRY(auto const total, FileSystemBytes(pool.root, /*free=*/false));
  pool.size = native && config.size != 0 ? std::min(config.size, total) : total;
  return MakeDirs(pool.disk_dir(), 0711);
}

Result<void> CheckConfig(std::vector<PoolConfig> const& pools) {
  std::set<std::string> names;
  std::set<std::string> paths;
  for (auto const& pool : pools) {
    if (!IsSafeName(pool.name))
      return Fail(Code::kInvalid, "pool name '{}' is not valid", pool.name);
    if (!pool.path.starts_with('/') || pool.path.size() < 2)
      return Fail(Code::kInvalid, "path of pool '{}' is not absolute", pool.name);
    if (pool.type != "ssd" && pool.type != "hdd")
      return Fail(Code::kInvalid, "type '{}' of pool '{}' is neither ssd nor hdd", pool.type,
                  pool.name);
    if (!names.insert(pool.name).second || !paths.insert(pool.path).second)
      return Fail(Code::kInvalid, "pool '{}' is configured twice", pool.name);
  }
  return {};
}

// Bytes that still can be promised to disks and volumes.
std::uint64_t Room(Pool const& pool, PoolContent const& content) {
  auto const own = pool.size - pool.hdd_share;
  return content.lent || content.used > own ? 0 : own - content.used;
}

}  // namespace

Result<Pools> Pools::Configure(StorageConfig const& config, std::string const& state_dir) {
  auto configs = config.pools;
  if (configs.empty()) {
    PoolConfig only;
    only.name = "ssd0";
    only.path = state_dir + "/pools/ssd0";
    configs.push_back(std::move(only));
  }
  TRELLIS_CHECK(CheckConfig(configs));
  Pools pools;
  pools.hdd_from_ssd_ = config.hdd_from_ssd;
  pools.zdb_size_ = config.zdb_size;
  for (auto& pool_config : configs) {
    while (pool_config.path.ends_with('/'))
      pool_config.path.pop_back();
    pools.pools_.push_back({std::move(pool_config), {}, 0, "not mounted yet", 0});
  }
  return pools;
}

void Pools::Mount() {
  for (auto& pool : pools_) {
    auto const done = Prepare(pool);
    pool.problem = done ? std::string() : done.error().message;
    if (!done) pool.size = 0;
  }
  SetHddShare();
}

void Pools::SetHddShare() {
  Pool* first = nullptr;
  for (auto& pool : pools_) {
    if (pool.config.type == "hdd") return;
    if (first == nullptr && pool.usable()) first = &pool;
  }
  if (first == nullptr || !hdd_from_ssd_) return;
  first->hdd_share = std::min(zdb_size_ == 0 ? first->size / 2 : zdb_size_, first->size);
}

Result<PoolContent> Pools::ReadContent(Pool const& pool) {
  PoolContent content;
  TRELLIS_TRY(auto const limits, ReadLimits(pool.root));
  TRELLIS_TRY(auto const names, ListDir(pool.root));
  for (auto const& name : names) {
    auto const slot = name.substr(0, name.find(':'));
    auto const id = SubvolumeId(pool.root + "/" + name);
    if (slot == name || !id) continue;
    auto const limit = limits.find(*id);
    auto const bytes = limit == limits.end() ? 0 : limit->second;
    if (slot == kWholeSlot) {
      content.lent = true;
    } else if (slot == kShareSlot) {
      content.share += bytes;
    } else {
      content.has_volumes = true;
      content.used += bytes;
    }
  }
  TRELLIS_TRY(auto const disks, ListDir(pool.disk_dir()));
  content.has_disks = !disks.empty();
  for (auto const& name : disks) {
    struct stat info {};
    if (::lstat((pool.disk_dir() + "/" + name).c_str(), &info) == 0)
      content.used += static_cast<std::uint64_t>(info.st_size);
  }
  return content;
}

Result<void> Pools::CheckRoom(Pool const& pool, std::uint64_t size) {
  TRELLIS_TRY(auto const content, ReadContent(pool));
  if (size <= Room(pool, content)) return {};
  return Fail(Code::kExhausted, "not enough space left in pools of this type {}", pool.config.type);
}

Result<Pool const*> Pools::Choose(std::string_view type, std::uint64_t size,
                                  Purpose purpose) const {
  Pool const* best = nullptr;
  std::tuple<bool, std::uint64_t> best_rank;
  for (auto const& pool : pools_) {
    if (!pool.usable() || pool.config.type != type) continue;
    TRELLIS_TRY(auto const content, ReadContent(pool));
    auto const room = Room(pool, content);
    if (size > room) continue;
    std::tuple const rank(purpose == Purpose::kDisk && content.has_disks, room);
    if (best != nullptr && rank <= best_rank) continue;
    best = &pool;
    best_rank = rank;
  }
  if (best != nullptr) return best;
  return Fail(Code::kExhausted, "not enough space left in pools of this type {}", type);
}

std::uint64_t Pools::Largest(std::string_view type) const {
  std::uint64_t largest = 0;
  for (auto const& pool : pools_) {
    if (pool.config.type == type) largest = std::max(largest, pool.size - pool.hdd_share);
  }
  return largest;
}

std::vector<PoolUse> Pools::Uses() const {
  std::vector<PoolUse> uses;
  for (auto const& pool : pools_) {
    PoolUse use{pool.config.name, pool.config.type, pool.size, 0};
    auto const content = pool.usable() ? ReadContent(pool).value_or(PoolContent{}) : PoolContent{};
    use.used = content.lent ? pool.size : content.used + content.share;
    uses.push_back(std::move(use));
  }
  return uses;
}

Capacity Pools::Total() const {
  Capacity total;
  for (auto const& pool : pools_) {
    auto const own = pool.size - pool.hdd_share;
    auto const offered = own - std::min(own, pool.config.reserve);
    (pool.config.type == "ssd" ? total.sru : total.hru) += offered;
    total.hru += pool.hdd_share;
  }
  return total;
}

}  // namespace trellis::plugins::storage
