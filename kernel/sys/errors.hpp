// System call failures as errors. kernel/sys is the only place that reads errno.
#pragma once

#include <trellis/result.hpp>

#include <string_view>

namespace trellis::sys {

/// The class of an errno value: ENOENT kNotFound, EEXIST kExists, EACCES kDenied, ENOSPC kExhausted
/// …, else kIo.
[[nodiscard]] Code ClassOf(int number);
/// The error of the system call that just failed on `name`: `open '/x': No such file or directory`.
[[nodiscard]] tl::unexpected<Error> Fail(std::string_view verb, std::string_view name);
/// The same for an errno value that was returned.
[[nodiscard]] tl::unexpected<Error> FailWith(int number, std::string_view verb,
                                             std::string_view name);

}  // namespace trellis::sys
