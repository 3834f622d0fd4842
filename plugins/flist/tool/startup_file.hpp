// The file in an image's root that says what it runs.
#pragma once

#include "plugins/flist/oci.hpp"

#include <trellis/result.hpp>

#include <string>

namespace trellis::plugins::flist {

/// Writes `<root>/.startup.toml` unless the image has one or wants to run nothing.
Result<void> WriteStartupFile(std::string const& root, ImageConfig const& config);

/// The words of a line in which each is in double quotes, `"` and `\` escaped in them.
std::vector<std::string> QuotedWords(std::string_view line);

}  // namespace trellis::plugins::flist
