// Reason codes of refusals. A refusal is an Error whose message reads `[reason] sentence`.
#pragma once

#include <string>
#include <string_view>

namespace trellis::grid {

struct Reason {
  std::string reason;    ///< `duplicate_name`, … ; empty when the message carries none
  std::string sentence;  ///< what people see
};

/// Takes `[reason] sentence` apart; a message without a reason is all sentence.
Reason SplitReason(std::string_view message);

}  // namespace trellis::grid
