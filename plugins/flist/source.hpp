// From the URL in a workload to a local path.
#pragma once

#include "plugins/flist/config.hpp"
#include "plugins/flist/download.hpp"

#include <trellis/host.hpp>
#include <trellis/result.hpp>

#include <string>

namespace trellis::plugins::flist {

/// Thread-safe.
class Sources {
 public:
  Sources(FlistConfig const& config, Downloads const& downloads)
      : config_(config), downloads_(downloads) {}

  /// The real local path behind `url`: a file URL or absolute path below one of `file_roots`, an
  /// URL with a prefix of `flist_map` (the longest counts), or a download. kNotFound `'<url>' does
  /// not exist`, kDenied, kInvalid and what Downloads::Fetch says.
  Result<std::string> Locate(Call& call, std::string const& url) const;

 private:
  FlistConfig const& config_;
  Downloads const& downloads_;
};

}  // namespace trellis::plugins::flist
