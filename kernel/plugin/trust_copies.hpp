// Private copies of plugin files, each in a folder named by its content: a path never means two
// contents, and nobody can change what was verified before it is loaded.
#pragma once

#include <trellis/result.hpp>

#include <filesystem>
#include <set>
#include <string>
#include <string_view>

namespace trellis::plugin {

/// One thread.
class TrustCopies {
 public:
  explicit TrustCopies(std::filesystem::path root) : root_(std::move(root)) {}

  /// The path of a copy of exactly `bytes`: `<root>/<hash>/<file>`. One that is there is compared,
  /// so that a crash while it was written does no harm.
  Result<std::filesystem::path> Put(std::string const& hash, std::string const& file,
                                    std::string_view bytes);
  /// Removes every copy that was not put by this object.
  void RemoveOthers() const;

 private:
  std::filesystem::path const root_;
  std::set<std::string> put_;  // hashes
};

}  // namespace trellis::plugin
