// Unwraps a Result while measuring.
#pragma once

#include <trellis/result.hpp>

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <type_traits>
#include <utility>

namespace trellis::bench {

/// Ends the program on an error: what cannot be set up cannot be measured.
template <class T>
T Must(Result<T> result) {
  if (!result) {
    fmt::print(stderr, "bench: {}\n", result.error().message);
    std::exit(1);  // NOLINT(concurrency-mt-unsafe): nothing to save
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace trellis::bench
