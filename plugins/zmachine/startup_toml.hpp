// What an image wants to run: its `.startup.toml`.
#pragma once

#include <trellis/result.hpp>

#include <map>
#include <string>
#include <string_view>

namespace trellis::plugins::zmachine {

/// An image's defaults; all empty when it names nothing.
struct ImageStart {
  std::string entrypoint;  // one line, to be split by SplitEntrypoint
  std::map<std::string, std::string> env;
  std::string dir;  // working directory, "" = /
};

/// Reads `[startup.entry]` of kind core.system or core.base. kInvalid
/// `failed to apply startup config from flist` for anything unreadable.
Result<ImageStart> ParseStartupToml(std::string_view text);

}  // namespace trellis::plugins::zmachine
