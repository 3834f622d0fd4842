// The files of an image as a mount needs them: ranges of content as pieces of cached blocks.
#pragma once

#include "plugins/flist/rfs/block_cache.hpp"
#include "plugins/flist/rfs/block_source.hpp"
#include "plugins/flist/rfs/fl_file.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace trellis::plugins::flist {

/// Part of a block's file.
struct Piece {
  UniqueFd fd;
  std::size_t offset = 0;
  std::size_t size = 0;
};

/// A regular file that somebody has open.
struct OpenImageFile {
  std::uint64_t size = 0;
  std::vector<BlockRef> blocks;
};

/// Thread-safe.
class ImageFiles {
 public:
  /// `cache`: directory of the plain blocks.
  static Result<std::unique_ptr<ImageFiles>> Open(std::string const& image,
                                                  std::string const& cache,
                                                  StoreRules const& rules);

  [[nodiscard]] FlFile& rows() { return *rows_; }
  /// The list of blocks, shared by all who have the file open. kInvalid for what is no file.
  Result<std::shared_ptr<OpenImageFile const>> OpenFile(std::uint64_t ino);
  /// `size` bytes at `offset`, fewer only at the end of the file. Errors of BlockCache.
  Result<std::vector<Piece>> Read(OpenImageFile const& file, std::uint64_t offset,
                                  std::size_t size);
  /// The same when all of it is in the cache. kNotFound, at once.
  Result<std::vector<Piece>> ReadKept(OpenImageFile const& file, std::uint64_t offset,
                                      std::size_t size) const;

 private:
  ImageFiles(std::unique_ptr<FlFile> rows, std::unique_ptr<BlockSource> source, std::string cache);

  std::unique_ptr<FlFile> rows_;
  std::unique_ptr<BlockSource> source_;
  BlockCache cache_;
  std::mutex mutex_;  // guards open_
  std::unordered_map<std::uint64_t, std::weak_ptr<OpenImageFile const>> open_;
};

}  // namespace trellis::plugins::flist
