// Refusals with the chain's names.
#pragma once

#include <trellis/result.hpp>

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace trellis::ledger::rules {

/// The error class of one of the chain's error names.
[[nodiscard]] Code ClassOf(std::string_view name);

/// `return Refuse("NameExists", "name '{}' is taken", name);` gives `NameExists: name 'x' is
/// taken`.
template <class... Args>
[[nodiscard]] tl::unexpected<Error> Refuse(std::string_view name,
                                           fmt::format_string<Args...> format, Args&&... args) {
  return Fail(ClassOf(name), "{}: {}", name, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace trellis::ledger::rules
