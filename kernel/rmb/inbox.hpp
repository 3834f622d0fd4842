// What a peer makes of received envelopes and of what it wants to send. No I/O.
#pragma once

#include "kernel/crypto/keys.hpp"
#include "kernel/crypto/mnemonic.hpp"
#include "kernel/rmb/envelope.hpp"
#include "kernel/rmb/twins.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace trellis::rmb {

/// Who the peer is.
struct Identity {
  std::uint32_t twin = 0;
  std::optional<std::string> session;  ///< a node has none
  crypto::Signer signer;
  std::optional<crypto::Seed> seed;  ///< for end-to-end encryption; empty = plain only
  std::vector<std::string> relays;   ///< own relay domains, signed into envelopes
};

/// A request whose sender is proven.
struct IncomingRequest {
  Address source;
  std::string uid;
  std::string command;
  std::string payload;
  std::uint64_t expiration = 0;
};

/// The answer to a request we sent.
struct IncomingAnswer {
  std::uint32_t from = 0;  ///< 0: a relay's report
  std::string uid;
  std::optional<ErrorReport> error;
  std::string payload;
};

/// Nothing; bytes to send back; a request to run; an answer to hand over.
using Received = std::variant<std::monostate, std::string, IncomingRequest, IncomingAnswer>;

/// Timestamp and life as they go out: a past timestamp is moved to now and its life shortened; 0
/// becomes 300 s, at most 1800 s.
struct Stamp {
  std::uint64_t timestamp = 0;
  std::uint64_t expiration = 0;
};
[[nodiscard]] Stamp MakeStamp(std::uint64_t now, std::uint64_t timestamp, std::uint64_t expiration);
/// Seconds an envelope still lives; empty = expired. Never wraps.
[[nodiscard]] std::optional<std::uint64_t> TimeToLive(std::uint64_t now, std::uint64_t timestamp,
                                                      std::uint64_t expiration);

/// Not thread-safe: belongs to the peer's I/O thread.
class Inbox {
 public:
  Inbox(Identity identity, TwinDirectory& twins) : identity_(std::move(identity)), twins_(twins) {}

  [[nodiscard]] Received Receive(std::string_view bytes, std::uint64_t now);
  /// The signed request. kNotFound: no such twin.
  Result<std::string> MakeRequest(std::uint32_t to, std::string uid, std::string command,
                                  std::string_view payload, std::uint64_t life_s,
                                  std::uint64_t now);
  /// The signed answer; remembered, so that a repeated request gets it again.
  [[nodiscard]] std::string MakeResponse(IncomingRequest const& request, std::string_view payload,
                                         std::uint64_t now);
  [[nodiscard]] std::string MakeError(Address const& to, std::string const& uid,
                                      std::uint64_t life_s, ErrorReport error, std::uint64_t now);
  /// Remembers an error answer for repetitions.
  void Remember(IncomingRequest const& request, std::string const& answer);
  [[nodiscard]] Identity const& identity() const { return identity_; }

 private:
  struct Seen {
    std::uint64_t until = 0;
    std::string answer;  ///< "" while the request runs
  };
  using SeenKey = std::pair<std::uint32_t, std::string>;

  [[nodiscard]] Received Refuse(Envelope const& envelope, std::uint32_t code, std::string text,
                                std::uint64_t now);
  [[nodiscard]] Received ReceiveUnsigned(Envelope const& envelope);
  [[nodiscard]] Received Accept(Envelope envelope, TwinInfo const& sender, std::uint64_t now);
  Result<std::string> Decrypt(Envelope const& envelope, TwinInfo const& sender);
  [[nodiscard]] Payload Encrypt(std::uint32_t to, std::string_view plain);
  void Note(SeenKey key, Envelope const& envelope, std::uint64_t now);
  [[nodiscard]] std::string Finish(Envelope envelope);

  Identity identity_;
  TwinDirectory& twins_;
  std::map<SeenKey, Seen> seen_;
  std::map<std::uint32_t, std::size_t> seen_of_twin_;
};

}  // namespace trellis::rmb
