// Where a stream goes: the output URL of a workload, checked and taken apart.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace trellis::plugins::zlogs {

struct Output {
  enum class Kind : std::uint8_t { kRedis, kWs, kWss };

  Kind kind = Kind::kRedis;
  std::string host;  ///< a name or an address, without brackets
  std::uint16_t port = 0;
  std::string target;  ///< channel of a redis, path and query of a websocket
  std::string user;    ///< percent-decoded, as the password
  std::string password;

  /// For people and logs: neither userinfo nor query.
  [[nodiscard]] std::string Shown() const;
  /// Host and port as an HTTP `Host` header has them.
  [[nodiscard]] std::string Authority() const;
};

/// kInvalid with the sentence that clients see: `output has no host`, `output has no channel`, …
/// Stricter than `valid` of the type, which admits what other nodes admit.
Result<Output> ParseOutput(std::string_view url);

}  // namespace trellis::plugins::zlogs
