// The blocks of an image, from whichever of its stores has them.
#pragma once

#include "plugins/flist/rfs/fl_file.hpp"
#include "plugins/flist/rfs/store.hpp"

#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::flist {

/// `start-end=url` with two hex digits each, or an url for all blocks. kInvalid.
Result<Route> ParseRoute(std::string_view text);

/// Thread-safe.
class BlockSource {
 public:
  /// Stores are opened when the first block is asked of them: one that cannot be is only as bad as
  /// one that does not answer.
  BlockSource(std::vector<Route> const& routes, StoreRules const& rules);

  /// The plain content, checked. Stores whose range has the block are asked in any order until one
  /// has it. kUnavailable `block '<id>': key is not routable` when there is none, else what the
  /// last one said. Stores that do not answer are given up one after the other, for half a minute.
  Result<std::string> Fetch(BlockRef const& ref);
  /// Keeps a sealed block in every store whose range has it. kInvalid when there is none.
  Result<void> Keep(SealedBlock const& block);
  /// Makes what was kept durable. After the last `Keep`, before anything names the blocks.
  Result<void> Sync();

 private:
  struct Entry {
    Route route;
    Result<std::unique_ptr<BlockStore>> store;
  };
  std::vector<Entry*> Candidates(Digest const& id);

  std::vector<Entry> entries_;
  std::mutex mutex_;  // guards random_
  std::minstd_rand random_;
};

}  // namespace trellis::plugins::flist
