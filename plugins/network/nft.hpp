// Commands to the kernel's packet filter, through libnftables.
#pragma once

#include <trellis/result.hpp>

#include <string>
#include <string_view>

namespace trellis::plugins::network {

/// Runs the commands in the calling thread's namespace as one transaction; what they print.
/// kNotFound when something named is not there.
Result<std::string> RunNft(std::string const& commands);

/// A mark for a comment that says which text a table or chain was made of.
std::string RulesMark(std::string_view text);

}  // namespace trellis::plugins::network
