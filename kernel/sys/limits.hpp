// Limits that the system puts on this process.
#pragma once

#include <cstdint>

namespace trellis::sys {

/// Lets the process open as many files as the system allows it at most; how many those are. 0: the
/// limit could not be read, and is as it was.
std::uint64_t RaiseFileLimit();

}  // namespace trellis::sys
