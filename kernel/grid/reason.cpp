#include "kernel/grid/reason.hpp"

#include <algorithm>

namespace trellis::grid {

Reason SplitReason(std::string_view message) {
  auto const end = message.find("] ");
  if (!message.starts_with('[') || end == std::string_view::npos || end == 1)
    return {{}, std::string(message)};
  auto const reason = message.substr(1, end - 1);
  bool const is_code = std::all_of(reason.begin(), reason.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (!is_code) return {{}, std::string(message)};
  return {std::string(reason), std::string(message.substr(end + 2))};
}

}  // namespace trellis::grid
