// The mount table. Thread-safe: no state.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace trellis::plugins {

struct MountEntry {
  std::string target;
  std::string fs_type;
  std::string source;
  std::string options;        ///< of the mount point, comma separated: ro, nodev, …
  std::uint64_t device = 0;   ///< as st_dev; another one after it was mounted anew
  std::string super_options;  ///< of the file system: lowerdir=… for an overlay
};

/// This process's mounts, in mount order.
Result<std::vector<MountEntry>> ReadMounts();
/// Parses the text of /proc/<pid>/mountinfo; lines that do not parse are left out.
std::vector<MountEntry> ParseMounts(std::string const& text);
/// What is mounted last on exactly `target`, links in it resolved.
Result<std::optional<MountEntry>> FindMount(std::string const& target);
/// Unmounts everything that is mounted on `target`; OK when nothing is. kBusy while it is in use.
Result<void> Unmount(std::string const& target);

}  // namespace trellis::plugins
