// A connection to the peer that gets the log.
#pragma once

#include "plugins/zlogs/daemon/loop.hpp"
#include "plugins/zlogs/output.hpp"
#include "plugins/zlogs/settings.hpp"

#include <trellis/result.hpp>

#include <memory>
#include <string_view>

namespace trellis::plugins::zlogs {

enum class Payload : std::uint8_t { kBinary, kText };

/// One connection; after an error it is of no more use.
class Sink {
 public:
  virtual ~Sink() = default;
  Sink() = default;
  Sink(Sink const&) = delete;
  Sink& operator=(Sink const&) = delete;
  Sink(Sink&&) = delete;
  Sink& operator=(Sink&&) = delete;

  /// Returns when the peer has accepted the whole chunk.
  virtual Result<void> Send(std::string_view chunk, Payload payload) = 0;
  /// To be called every second while nothing is sent: asks whether the peer is still there.
  virtual Result<void> Idle() = 0;
  /// The peer went away; Idle tells why.
  [[nodiscard]] virtual bool broken() const = 0;
};

/// Everything a connection is made from; borrowed by the sink until its end.
struct Peer {
  Loop* loop;
  Output const* output;
  Settings const* settings;
};

/// kDenied when the peer refuses who we are.
Result<std::unique_ptr<Sink>> ConnectRedis(Peer const& peer);
/// ws and wss.
Result<std::unique_ptr<Sink>> ConnectWebsocket(Peer const& peer);

}  // namespace trellis::plugins::zlogs
