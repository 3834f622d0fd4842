// seccomp: which system calls this process and what it starts may make.
#pragma once

#include "kernel/plugin/permissions.hpp"

namespace trellis::plugin_host {

/// Everything else is allowed; what is not fails with EPERM. Needs no_new_privs.
Result<void> FilterSyscalls(plugin::HelperRights const& rights);

}  // namespace trellis::plugin_host
