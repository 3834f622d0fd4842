// A message is refused, or survives writing and reading with the same meaning.
#include "kernel/grid/deployment.hpp"

#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  auto const first = trellis::grid::ParseDeployment(text);
  if (!first) return 0;
  auto const written = trellis::grid::ToJson(*first);
  auto const second = trellis::grid::ParseDeployment(written);
  if (!second || trellis::grid::ToJson(*second) != written) std::abort();
  return 0;
}
