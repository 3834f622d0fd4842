// A fuzz target is one function in a namespace of its own:
//
//   namespace trellis::fuzz::timestamp { void Run(std::string_view input); }
//
// in targets/timestamp.cpp. It takes any bytes; Require ends the program when something that must
// hold does not. The fuzzer of that name calls it, and fuzz_regress_test with every kept input.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace trellis::fuzz {

inline void Require(bool holds, char const* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

}  // namespace trellis::fuzz
