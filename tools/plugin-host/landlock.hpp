// Landlock: which files this process and what it starts may reach.
#pragma once

#include "tools/plugin-host/sandbox.hpp"

namespace trellis::plugin_host {

/// Needs no_new_privs. What this kernel's Landlock cannot do is added to `gaps`.
Result<void> ConfineFiles(SandboxOptions const& options, std::vector<std::string>& gaps);

}  // namespace trellis::plugin_host
