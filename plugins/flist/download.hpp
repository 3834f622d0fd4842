// Fetching images over http and https.
#pragma once

#include <trellis/host.hpp>
#include <trellis/result.hpp>

#include <cstdint>
#include <string>

namespace trellis::plugins::flist {

/// Keeps what was fetched in `dir`, one file per URL. Thread-safe.
class Downloads {
 public:
  /// `limit`: bytes of one download.
  Downloads(std::string dir, std::uint64_t limit) : dir_(std::move(dir)), limit_(limit) {}

  /// The local file of `url`, asked for again each time (the server may say that it did not
  /// change). When the server does not answer, what an earlier call fetched. kNotFound `'<url>'
  /// does not exist`, kExhausted, kUnavailable, kCancelled.
  Result<std::string> Fetch(Call& call, std::string const& url) const;

 private:
  std::string dir_;
  std::uint64_t limit_;
};

}  // namespace trellis::plugins::flist
