// Programs of this project. Thread-safe: no state.
#pragma once

#include <string>

namespace trellis::plugins {

/// Where the program of that name is: beside the one that runs, or where packages put it. The
/// answer need not exist.
std::string OwnProgram(std::string const& name);

}  // namespace trellis::plugins
