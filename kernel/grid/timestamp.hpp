// A point in time as the grid writes it.
#pragma once

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace trellis::grid {

/// Seconds since 1970 UTC. On the wire a JSON integer; an RFC 3339 text and null (0) are read too.
struct Timestamp {
  std::int64_t seconds = 0;

  static Result<void> FromRaw(Timestamp& out, std::string_view value);
  [[nodiscard]] std::string ToRaw() const { return std::to_string(seconds); }
  auto operator<=>(Timestamp const&) const = default;
};

/// `YYYY-MM-DDTHH:MM:SS[.fraction](Z|±hh:mm)`; the fraction is dropped. kDecode.
Result<Timestamp> ParseRfc3339(std::string_view text);

}  // namespace trellis::grid
