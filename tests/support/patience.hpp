// How long a test waits for what has to come.
#pragma once

#include <chrono>

namespace trellis::testing {

/// Much longer than a busy machine needs, so that a wait which ends here has failed; less than what
/// ctest allows a test, so that the test can still say what it waited for. What is expected not to
/// come is never waited for.
inline constexpr std::chrono::seconds kPatience{120};

}  // namespace trellis::testing
