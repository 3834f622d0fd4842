// Test builds only: arming fail points in a running daemon.
#pragma once

#include "kernel/api/router.hpp"

namespace trellis::node {

#ifdef TRELLIS_FAIL_POINTS
/// `local.fail_point`: {"arm":"<spec>"} arms, {"wait":"<name>","ms":n} waits for a paused thread,
/// {} counts.
void AddFailPointCommand(api::Router& router);
#else
inline void AddFailPointCommand(api::Router&) {}
#endif

}  // namespace trellis::node
