// A host table, and tables of extensions, that pass every call on and keep an eye on it.
#pragma once

#include <trellis/abi.h>

namespace trellis::conformance {

/// How the wrapped host behaves. One plugin per process, so there is one.
enum class HostMood : int {
  kPlain,
  kNoExtensions,  ///< extension() answers NULL
  kLying,         ///< statuses and texts at random
  kStopped,       ///< the plugin must not call any more
};

/// The table around `real`, which outlives it.
trl_host const& WrapHost(trl_host const& real);
void SetHostMood(HostMood mood);
HostMood CurrentHostMood();
/// Name of the first function called while kStopped, or nullptr.
char const* LateCall();

}  // namespace trellis::conformance
