// The `[plugin.flist.config]` table.
#pragma once

#include <trellis/json.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace trellis::plugins::flist {

struct FlistConfig {
  std::string root;  ///< cache directory; "" = the state directory
  std::uint64_t max_download = std::uint64_t{8} << 30;   ///< bytes of one download
  std::uint64_t max_unpacked = std::uint64_t{64} << 30;  ///< bytes of one unpacked image
  std::uint32_t ro_linger_s = 600;    ///< how long a mount that nobody uses stays
  std::uint32_t block_age_days = 90;  ///< blocks of rfs images that nobody read so long are removed
  std::uint64_t block_limit = std::uint64_t{20} << 30;  ///< bytes of such blocks; 0 = no limit
  std::string program;  ///< of the file server; "" = the one of this installation
  std::uint64_t cache_limit = std::uint64_t{20} << 30;  ///< bytes of images nobody uses
  std::map<std::string, std::string> flist_map;         ///< URL prefix -> local path
  std::vector<std::string> file_roots;  ///< where file URLs and plain paths may point
};
BOOST_DESCRIBE_STRUCT(FlistConfig, (),
                      (root, max_download, max_unpacked, cache_limit, ro_linger_s, block_age_days,
                       block_limit, program, flist_map, file_roots))

}  // namespace trellis::plugins::flist
