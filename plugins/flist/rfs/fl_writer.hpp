// Writes the metadata of an rfs image (`.fl`).
#pragma once

#include "plugins/flist/rfs/fl_file.hpp"

#include <span>

namespace trellis::plugins::flist {

/// Not thread-safe. The file appears with Commit, whole.
class FlWriter {
 public:
  static Result<std::unique_ptr<FlWriter>> Create(std::string const& path);
  ~FlWriter();
  FlWriter(FlWriter const&) = delete;
  FlWriter& operator=(FlWriter const&) = delete;

  /// Answers the number of the new inode; `ino` of the argument counts for nothing. The first one
  /// is the root.
  Result<std::uint64_t> AddInode(Inode const& inode);
  Result<void> AddTarget(std::uint64_t ino, std::string_view target);
  /// In the order of the content.
  Result<void> AddBlock(std::uint64_t ino, BlockRef const& block);
  Result<void> AddRoute(Route const& route);
  Result<void> AddTag(std::string_view key, std::string_view value);
  Result<void> Commit();

 private:
  struct Statements;
  FlWriter(std::string path, std::string temp);
  Result<void> Begin();

  std::string path_;
  std::string temp_;
  Database database_;
  std::unique_ptr<Statements> statements_;
};

}  // namespace trellis::plugins::flist
