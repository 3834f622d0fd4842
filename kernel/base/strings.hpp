// Small text helpers. ASCII only; results borrow from their arguments.
#pragma once

#include <trellis/result.hpp>

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::strings {

/// Parts between separators; "" gives one empty part.
[[nodiscard]] std::vector<std::string_view> Split(std::string_view text, char separator);
/// Words between runs of white space.
[[nodiscard]] std::vector<std::string_view> SplitWords(std::string_view text);
/// Without blanks, tabs and line ends at both sides.
[[nodiscard]] std::string_view Trim(std::string_view text);
[[nodiscard]] std::string ToLower(std::string_view text);
[[nodiscard]] bool EqualsIgnoringCase(std::string_view a, std::string_view b);
[[nodiscard]] std::string ToHex(std::string_view bytes);

/// The whole text as a decimal number (or of another base) that fits T. kDecode.
template <std::integral T>
Result<T> ParseNumber(std::string_view text, int base = 10) {
  T value{};
  char const* const end = text.data() + text.size();
  auto const [used, failed] = std::from_chars(text.data(), end, value, base);
  if (failed == std::errc::result_out_of_range)
    return Fail(Code::kDecode, "number '{}' is out of range", text);
  if (failed != std::errc() || used != end) return Fail(Code::kDecode, "invalid number '{}'", text);
  return value;
}

}  // namespace trellis::strings
