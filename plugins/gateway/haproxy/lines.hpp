// What the proxy prints, line by line.
#pragma once

#include <algorithm>
#include <string_view>

namespace trellis::plugins::gateway {

/// Takes the first line, without its end, off `rest`.
inline std::string_view TakeLine(std::string_view& rest) {
  auto const end = std::min(rest.find('\n'), rest.size());
  auto const line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

}  // namespace trellis::plugins::gateway
