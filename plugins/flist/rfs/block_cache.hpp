// Plain blocks on disk, shared by all mounts of a node: `<dir>/<2 digits>/<2 digits>/<name>`. The
// name is a digest of id and key, so a block is only found by who could decrypt it.
//
// A block appears whole, by a rename, and never changes. The time of a file's last change is its
// age stamp: when it was read last, give or take a day.
#pragma once

#include "plugins/common/posix/files.hpp"
#include "plugins/flist/busy_keys.hpp"
#include "plugins/flist/rfs/block.hpp"

#include <trellis/result.hpp>

#include <chrono>
#include <functional>
#include <string>

namespace trellis::plugins::flist {

/// Thread-safe, between processes too.
class BlockCache {
 public:
  using Fetch = std::function<Result<std::string>(BlockRef const&)>;

  BlockCache(std::string dir, Fetch fetch) : dir_(std::move(dir)), fetch_(std::move(fetch)) {}

  /// The file of a block that has `size` bytes, fetched when it is not there: once, however many
  /// ask for it. kDecode when its content has another length, and what `fetch` says.
  Result<UniqueFd> Open(BlockRef const& ref, std::size_t size);
  /// The same of a block that is there. kNotFound, at once.
  Result<UniqueFd> OpenKept(BlockRef const& ref, std::size_t size) const;

  /// Removes the blocks below `dir` that nobody read for `age`, and what was left half written.
  /// Answers how many.
  static Result<std::size_t> RemoveOld(std::string const& dir, std::chrono::hours age);
  /// Removes the blocks below `dir` that were not read for longest until there are at most `most`
  /// and they take at most `bytes` of the disk, and then some, so that it is not called for each
  /// block. Answers how many.
  static Result<std::size_t> Trim(std::string const& dir, std::uint64_t bytes, std::size_t most);
  /// What the block's file is called.
  static std::string NameOf(BlockRef const& ref);

 private:
  [[nodiscard]] std::string FolderOf(std::string const& name) const;
  Result<UniqueFd> OpenFileOf(std::string const& name, std::size_t size) const;
  Result<void> Keep(std::string const& name, std::string_view plain) const;

  std::string dir_;
  Fetch fetch_;
  BusyKeys busy_;  // blocks that are being fetched
};

}  // namespace trellis::plugins::flist
