// The metadata of an rfs image (`.fl`): a SQLite database made by a stranger.
//
// Every value is checked for type and range before it is used. Each row has one parent, so what is
// reachable from the root is a tree whatever the rows say.
#pragma once

#include "plugins/flist/rfs/block.hpp"
#include "plugins/flist/rfs/sqlite.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::flist {

inline constexpr std::uint64_t kRootInode = 1;
inline constexpr std::size_t kMaxName = 255;
inline constexpr std::size_t kMaxTarget = 4095;
inline constexpr std::uint64_t kMaxFileBytes = std::uint64_t{256} << 30;
inline constexpr std::size_t kMaxRoutes = 4096;

struct Inode {
  std::uint64_t ino = 0;
  std::uint64_t parent = 0;
  std::string name;
  std::uint64_t size = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mode = 0;  ///< with the bits of the kind
  std::uint32_t rdev = 0;
  std::int64_t ctime = 0;  ///< seconds
  std::int64_t mtime = 0;
};

/// Which store has the blocks whose ids begin with `first` … `last`.
struct Route {
  std::uint8_t first = 0;
  std::uint8_t last = 255;
  std::string url;
};

/// May `name` be one component of a path?
bool IsFileName(std::string_view name);

/// Thread-safe. Errors: kDecode for a database that is damaged or says what cannot be.
class FlFile {
 public:
  /// kInvalid `unknown flist format` for a database without the tables of an image.
  static Result<std::unique_ptr<FlFile>> Open(std::string const& path);
  ~FlFile();
  FlFile(FlFile const&) = delete;
  FlFile& operator=(FlFile const&) = delete;

  /// kNotFound.
  Result<Inode> Find(std::uint64_t ino);
  /// kNotFound.
  Result<Inode> Lookup(std::uint64_t parent, std::string_view name);
  /// Up to `limit` children with inode numbers above `after`, in the order of these. Entries whose
  /// name no file can have are left out.
  Result<std::vector<Inode>> Children(std::uint64_t parent, std::uint64_t after, std::size_t limit);
  /// The target of a symbolic link.
  Result<std::string> Target(std::uint64_t ino);
  /// The blocks of a regular file, as many as its size needs.
  Result<std::vector<BlockRef>> Blocks(Inode const& file);
  Result<std::vector<Route>> Routes();
  Result<std::map<std::string, std::string>> Tags();

 private:
  struct Statements;
  explicit FlFile(Database database);
  Result<void> Prepare();

  std::mutex mutex_;  // guards everything below
  Database database_;
  int steps_ = 0;  // thousands of instructions of the running query
  std::unique_ptr<Statements> statements_;
};

}  // namespace trellis::plugins::flist
