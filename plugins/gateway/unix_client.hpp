// A question and its answer over a unix socket. Thread-safe.
#pragma once

#include <trellis/result.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace trellis::plugins::gateway {

/// Longest that one of the node's own processes may be silent; after it it
/// counts as damaged.
inline constexpr std::chrono::seconds kAnswerLimit{5};

/// Up to the end of the connection, or one line of a connection that goes on.
enum class Reply : std::uint8_t { kAll, kOneLine };

/// kUnavailable when nobody listens or the connection ends early, kTimeout
/// after kAnswerLimit.
Result<std::string> AskUnix(std::string const& path, std::string_view text, Reply reply);

}  // namespace trellis::plugins::gateway
