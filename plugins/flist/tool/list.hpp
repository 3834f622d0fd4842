// What is in an rfs image.
#pragma once

#include "plugins/flist/rfs/fl_file.hpp"

#include <functional>
#include <string>

namespace trellis::plugins::flist {

struct ListedEntry {
  std::string path;  ///< from the root, with a leading `/`
  std::string kind;  ///< file|directory|link|char|block|fifo|socket
  std::string mode;  ///< octal, without the kind
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;
  std::int64_t mtime = 0;
  std::string target;  ///< of a link
};
BOOST_DESCRIBE_STRUCT(ListedEntry, (), (path, kind, mode, uid, gid, size, mtime, target))

/// All entries, each before its children. Stops at the first damaged one.
Result<void> ListImage(FlFile& image, std::function<void(ListedEntry const&)> const& show);

}  // namespace trellis::plugins::flist
