// Files of the run folder: replaced in one step, but not synced, since a reboot makes them anew.
#pragma once

#include "plugins/common/posix/files.hpp"

#include <string>
#include <string_view>

namespace trellis::plugins::gateway {

/// Mode 0600.
Result<void> ReplaceRunFile(std::string const& path, std::string_view text);
Result<void> AppendRunFile(std::string const& path, std::string_view text);

}  // namespace trellis::plugins::gateway
