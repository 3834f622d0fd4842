// The control protocol of wireguard-go: lines of `key=value`, ended by an empty line. Pure.
#pragma once

#include "plugins/network/wireguard.hpp"

#include <trellis/result.hpp>

#include <string>
#include <string_view>

namespace trellis::plugins::network {

inline constexpr std::string_view kGetRequest = "get=1\n\n";
inline constexpr std::string_view kEndOfAnswer = "\n\n";

/// A `set` request.
std::string SetRequest(WireGuardChange const& change);
/// What the answer to a request says; kIo with its errno.
Result<void> CheckAnswer(std::string_view answer);
/// The answer to `get`. kDecode when it is not one.
Result<WireGuardDevice> ReadAnswer(std::string_view answer);

}  // namespace trellis::plugins::network
