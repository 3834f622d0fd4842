// TCP ports for servers that are configured before they run.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>

namespace trellis::sys {

/// A port of 127.0.0.1 on which nobody listens now, below those that the system gives to outgoing
/// connections. kExhausted when none was found.
Result<std::uint16_t> PickPort();

}  // namespace trellis::sys
