// Which names plugins may give their commands.
#pragma once

#include <trellis/result.hpp>

#include <string_view>

namespace trellis::plugin {

/// kInvalid: not a command name (lower case, 2 to 5 parts, the first is `zos`), or a name in a
/// group that belongs to the kernel.
Result<void> CheckCommandName(std::string_view name);

}  // namespace trellis::plugin
