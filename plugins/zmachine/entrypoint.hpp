// The entrypoint of a machine: one line of text as clients send it, words as /init runs them.
#pragma once

#include <trellis/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::zmachine {

/// Splits an entrypoint as a POSIX shell would, without expansions: blanks separate words, '…' is
/// literal, "…" knows `\` escapes, `\x` outside quotes is x, `#` at the start of a word begins a
/// comment up to the end of the line. kInvalid `invalid entrypoint` for an unterminated quote or a
/// NUL byte. Empty text gives no words.
Result<std::vector<std::string>> SplitEntrypoint(std::string_view text);

/// Quotes for a POSIX shell: always inside '…', an inner ' becomes '"'"', empty text becomes ''.
std::string QuoteForShell(std::string_view text);

}  // namespace trellis::plugins::zmachine
