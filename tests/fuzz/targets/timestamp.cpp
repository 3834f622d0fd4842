// Times, as JSON and as RFC 3339 text.
#include "kernel/grid/timestamp.hpp"

#include "tests/fuzz/target.hpp"

namespace trellis::fuzz::timestamp {

void Run(std::string_view input);

void Run(std::string_view input) {
  if (auto const time = json::Parse<grid::Timestamp>(input); time) {
    auto const again = json::Parse<grid::Timestamp>(json::Dump(*time));
    Require(again && *again == *time, "a written time is the same time");
  }
  auto const plain = grid::ParseRfc3339(input);
  if (!plain) return;
  constexpr std::int64_t kFirst = -62167219200 - 86400;  // year 0, a day early for its zone
  constexpr std::int64_t kLast = 253402300799 + 86400;   // year 9999
  Require(plain->seconds >= kFirst && plain->seconds <= kLast, "a time has a four-digit year");
  auto const quoted = json::Parse<grid::Timestamp>('"' + std::string(input) + '"');
  Require(quoted && *quoted == *plain, "JSON holds the same text");
}

}  // namespace trellis::fuzz::timestamp
