// Kernel command lines of the machine kinds.
#pragma once

#include "plugins/zmachine/guest_config.hpp"

#include <trellis/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::zmachine {

/// A command line and the names of the env entries that cannot stand on one (for the log).
struct CommandLine {
  std::string text;
  std::vector<std::string> left_out;
};

/// Container with our own boot set.
std::string ContainerCommandLine();

/// Container with the image's kernel; `entrypoint` goes verbatim into init=, empty leaves it out.
/// kInvalid `kernel command line too long` above 2047 bytes.
Result<std::string> ContainerKernelCommandLine(std::string_view entrypoint);

/// Virtual machine with the image's kernel: root disk /dev/vda with the file system `root_fs`,
/// network and env in the old format.
/// kInvalid `kernel command line too long`, `too many environment variables for vm mode`.
Result<CommandLine> VmKernelCommandLine(GuestConfig const& config, std::string_view root_fs);

}  // namespace trellis::plugins::zmachine
