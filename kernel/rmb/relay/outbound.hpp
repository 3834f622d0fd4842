// A message for a twin of another relay.
#pragma once

#include "kernel/rmb/envelope.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace trellis::rmb {

struct OutboundMessage {
  std::string bytes;
  std::vector<std::string> domains;  ///< relays of the destination, as its twin wrote them
  std::int64_t expires = 0;          ///< unix seconds
  Address sender;
  std::string uid;
  bool is_request = false;  ///< only then the sender hears of a failure
};

/// Belongs to the relay's I/O thread.
class Outbound {
 public:
  Outbound() = default;
  virtual ~Outbound() = default;
  Outbound(Outbound const&) = delete;
  Outbound& operator=(Outbound const&) = delete;
  /// Takes the message over. kExhausted when too many wait.
  virtual Result<void> Send(OutboundMessage message) = 0;
};

}  // namespace trellis::rmb
