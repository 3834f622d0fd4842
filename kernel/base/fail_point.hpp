// Named places where a test build can be killed, stopped or made to fail. Other builds contain
// nothing of it.
//
// TRELLIS_FAIL_POINT="accept.after_commit=kill,outbox.sent=pause@2" chooses what happens where:
//   kill    the process ends there, as by SIGKILL
//   pause   the thread waits there until the points are armed anew
//   error   the place fails with kUnavailable
// `@n` means the n-th time only; without it kill strikes at the first time, pause and error always.
#pragma once

#include <trellis/result.hpp>

#ifdef TRELLIS_FAIL_POINTS

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace trellis::fail_point {

/// The thread is at the place `name`. kUnavailable where the place is to fail.
Result<void> Reach(std::string_view name);

/// Replaces what is armed and lets paused threads go on. kInvalid names the wrong part.
Result<void> Arm(std::string_view spec);

/// Waits until a thread is paused at `name`; false when none came in time.
bool WaitPaused(std::string_view name, std::chrono::milliseconds limit);

/// How often each place was reached since the process began.
std::map<std::string, std::uint64_t> Count();

}  // namespace trellis::fail_point

/// In a function that returns a Result: the place may end the process, wait, or fail.
#define TRELLIS_FAIL_POINT(name) TRELLIS_CHECK(::trellis::fail_point::Reach(name))
/// Elsewhere: the place may end the process or wait.
#define TRELLIS_KILL_POINT(name) static_cast<void>(::trellis::fail_point::Reach(name))

#else

#define TRELLIS_FAIL_POINT(name) static_cast<void>(0)
#define TRELLIS_KILL_POINT(name) static_cast<void>(0)

#endif
