// A question and its answer over a unix socket. Thread-safe.
#pragma once

#include <trellis/result.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace trellis::plugins {

/// Longest that one of the node's own processes may be silent; after it it counts as damaged.
inline constexpr std::chrono::seconds kAnswerLimit{5};

/// Sends `text` to the socket at `path`. The answer goes up to and with `end`, of a connection that
/// goes on; "" = to the end of the connection. kUnavailable when nobody listens or the connection
/// ends early, kTimeout after kAnswerLimit, kExhausted above 64 MiB.
Result<std::string> AskUnix(std::string const& path, std::string_view text, std::string_view end);

}  // namespace trellis::plugins
