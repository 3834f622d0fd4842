// Domains as names of files.
#pragma once

#include <string>

namespace trellis::plugins::gateway {

/// The domain itself, or a digest of it where name and ending would be too long for a file system.
std::string FileNameOf(std::string const& domain);

}  // namespace trellis::plugins::gateway
