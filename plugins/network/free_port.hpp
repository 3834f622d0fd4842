// A port of the node that nobody has.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <set>
#include <string_view>

namespace trellis::plugins::network {

/// One that nobody listens on in the calling thread's namespace, that is not in `used` and none of
/// the fixed ones. `proto`: udp|tcp. kExhausted.
Result<std::uint16_t> ChoosePort(std::set<std::uint16_t> const& used, std::string_view proto);

}  // namespace trellis::plugins::network
