// What a plugin's process gives up before the plugin's code runs.
#pragma once

#include "kernel/plugin/permissions.hpp"

#include <string>
#include <vector>

namespace trellis::plugin_host {

struct SandboxOptions {
  plugin::HelperRights rights;
  std::string file;       ///< the plugin, absolute
  std::string state_dir;  ///< its own folders, "" = none
  std::string run_dir;
};

/// Confines this process for good: no new privileges, capabilities, descriptors, files (Landlock),
/// system calls (seccomp). Before any other thread is started. The answer is what this kernel or
/// this user could not be kept from, one sentence each.
Result<std::vector<std::string>> EnterSandbox(SandboxOptions const& options);

}  // namespace trellis::plugin_host
