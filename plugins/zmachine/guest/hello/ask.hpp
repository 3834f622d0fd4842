// Asking another machine what it is.
#pragma once

#include <optional>
#include <string>

namespace trellis::hello {

/// The page `/` of the machine at `address` (IPv4 or IPv6), without its head; nothing when it does
/// not answer within three seconds a step.
std::optional<std::string> Ask(std::string const& address);

}  // namespace trellis::hello
