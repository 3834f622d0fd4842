// Texts of images and users that reach the guest's configuration never crash their parsers.
#include "plugins/zmachine/entrypoint.hpp"
#include "plugins/zmachine/startup_toml.hpp"
#include "tests/fuzz/target.hpp"

namespace trellis::fuzz::guest {

void Run(std::string_view input);

void Run(std::string_view input) {
  (void)plugins::zmachine::SplitEntrypoint(input);
  (void)plugins::zmachine::ParseStartupToml(input);
}

}  // namespace trellis::fuzz::guest
