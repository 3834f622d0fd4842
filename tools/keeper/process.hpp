// Starting one data process as its specification says.
#pragma once

#include "kernel/sys/fd.hpp"

#include <trellis/host.hpp>
#include <trellis/result.hpp>

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace trellis::keeper {

/// kInvalid, kDecode when the specification cannot be run.
Result<ProcessSpec> ParseSpec(json::Value const& value);
/// Text that differs when a running process must be replaced: the specification and the identity of
/// its network namespace.
[[nodiscard]] std::string IdentityOf(ProcessSpec const& spec);

/// Starts it as leader of its own session and process group; `fds` become 3, 4, …; `output` gets
/// stdout and stderr. Answers once the program runs. Errors name what failed.
Result<pid_t> StartProcess(std::string const& name, ProcessSpec const& spec,
                           std::vector<sys::UniqueFd> const& fds, int output);
/// SIGKILL to the process group and the cgroup, if there is one.
void KillEverything(std::string const& name, pid_t leader);

}  // namespace trellis::keeper
