// The last step: the machine's own program as process 1.
#pragma once

#include "plugins/zmachine/guest/init/seed.hpp"

#include <string_view>

namespace trellis::guest {

/// Replaces /init by the entrypoint, with TRELLIS_CWD and TRELLIS_USER of the environment obeyed.
/// Does not return: what cannot run is reported on the console and the machine powers off.
[[noreturn]] void RunEntrypoint(Seed const& seed);

/// Prints the reason, waits a second for the console and powers the machine off.
[[noreturn]] void PowerOff(std::string_view reason);

}  // namespace trellis::guest
