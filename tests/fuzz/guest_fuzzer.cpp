// Texts of images and users that reach the guest's configuration never crash their parsers.
#include "plugins/zmachine/entrypoint.hpp"
#include "plugins/zmachine/startup_toml.hpp"

#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  (void)trellis::plugins::zmachine::SplitEntrypoint(text);
  (void)trellis::plugins::zmachine::ParseStartupToml(text);
  return 0;
}
