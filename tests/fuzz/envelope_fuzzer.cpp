// Bytes from the bus are refused, or mean the same after writing and reading; tokens never crash.
#include "kernel/rmb/envelope.hpp"
#include "kernel/rmb/token.hpp"

#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const bytes(reinterpret_cast<char const*>(data), size);
  (void)trellis::rmb::ParseToken(bytes);  // only must not crash
  auto const first = trellis::rmb::ParseEnvelope(bytes);
  if (!first) return 0;
  auto const written = trellis::rmb::SerializeEnvelope(*first);
  auto const second = trellis::rmb::ParseEnvelope(written);
  if (!second || trellis::rmb::Challenge(*second) != trellis::rmb::Challenge(*first)) std::abort();
  if (trellis::rmb::SerializeEnvelope(*second) != written) std::abort();
  return 0;
}
