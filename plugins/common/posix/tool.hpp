// Running a short-lived program.
#pragma once

#include <trellis/result.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace trellis::plugins {

/// Runs `argv` (program searched in PATH) with an empty input and a fixed C-locale environment and
/// waits for it; the answer is its standard output, at most 64 KiB. kIo with the end of its error
/// text when it fails, kTimeout (and the program is killed) after `limit`, kUnavailable when it
/// cannot be started. Thread-safe.
Result<std::string> RunTool(std::vector<std::string> const& argv, std::chrono::milliseconds limit);

}  // namespace trellis::plugins
