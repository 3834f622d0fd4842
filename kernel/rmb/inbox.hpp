// What a peer makes of received envelopes and of what it wants to send. No I/O.
#pragma once

#include "kernel/crypto/e2e.hpp"
#include "kernel/crypto/keys.hpp"
#include "kernel/crypto/mnemonic.hpp"
#include "kernel/rmb/envelope_view.hpp"
#include "kernel/rmb/replay.hpp"
#include "kernel/rmb/twin_cache.hpp"
#include "kernel/rmb/twins.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

namespace trellis::rmb {

/// Codes of errors on the wire.
enum ErrorCode : std::uint32_t {
  kErrorExpired = 102,
  kErrorUnknownTwin = 103,
  kErrorBadSignature = 104,
  kErrorNoKey = 105,
  kErrorE2e = 106,
  kErrorInvalidSchema = 400,
  kErrorTooLarge = 413
};

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
  std::uint64_t timestamp = 0;
  std::uint64_t expiration = 0;
  std::optional<std::string> tags;
  TwinPtr sender;          ///< as known when it was verified
  bool encrypted = false;  ///< then the answer is, too
};

/// The answer to a request we sent.
struct IncomingAnswer {
  std::uint32_t from = 0;  ///< 0: a relay's report
  std::string uid;
  std::optional<ErrorReport> error;
  std::string payload;
};

/// Why a message is not accepted.
struct Refusal {
  std::uint32_t code = 0;
  std::string text;
};

/// A parsed envelope that may be for us. Shared by the steps of its way.
struct Incoming {
  std::string bytes;
  EnvelopeView view;  ///< borrows from `bytes`
};
using IncomingPtr = std::shared_ptr<Incoming const>;

/// Nothing; a request to run; an answer to hand over; a stored answer to send again; a refusal.
using Received =
    std::variant<std::monostate, IncomingRequest, IncomingAnswer, ReplayTable::AnswerPtr, Refusal>;

/// Timestamp and life as they go out: a past timestamp is moved to now and its life shortened; 0
/// becomes 300 s, at most 1800 s.
struct Stamp {
  std::uint64_t timestamp = 0;
  std::uint64_t expiration = 0;
};
[[nodiscard]] Stamp MakeStamp(std::uint64_t now, std::uint64_t timestamp, std::uint64_t expiration);
/// Seconds an envelope still lives; empty = expired, or further ahead than clocks differ. Never
/// wraps.
[[nodiscard]] std::optional<std::uint64_t> TimeToLive(std::uint64_t now, std::uint64_t timestamp,
                                                      std::uint64_t expiration);

/// A request to be made.
struct Outgoing {
  std::string uid;
  std::string command;
  std::string_view payload;
  Stamp stamp;
  std::optional<std::string> tags;
  Address to;
};

/// Safe for use by several threads.
class Inbox {
 public:
  explicit Inbox(Identity identity) : identity_(std::move(identity)) {}

  /// The cheap checks: form, destination, kind. Null: drop it.
  [[nodiscard]] IncomingPtr Open(std::string bytes) const;
  /// A relay's report about something we sent: the one thing that needs no signature.
  [[nodiscard]] static std::optional<IncomingAnswer> AsReport(Incoming const& message);
  /// Checks time, sender, signature; decrypts; finds repetitions.
  [[nodiscard]] Received Judge(Incoming const& message, TwinCache::Found const& sender,
                               std::uint64_t now);

  /// The signed request. `to`: the destination; `encrypt`: when both have a key. kInvalid: a key of
  /// the destination that is no key.
  Result<std::string> MakeRequest(Outgoing request, TwinInfo const& to, bool own_key_is_published);
  /// The signed answer; remembered, so that a repeated request gets it again.
  [[nodiscard]] std::string MakeResponse(IncomingRequest const& request, std::string payload,
                                         bool own_key_is_published, std::uint64_t now);
  /// As MakeResponse, with an error.
  [[nodiscard]] std::string MakeError(IncomingRequest const& request, ErrorReport error,
                                      std::uint64_t now);
  /// The answer to a request that was refused; not remembered.
  [[nodiscard]] std::string MakeRefusal(Incoming const& message, Refusal refusal,
                                        std::uint64_t now) const;
  [[nodiscard]] Identity const& identity() const { return identity_; }

 private:
  struct AgreedKey {
    std::array<std::uint8_t, 33> pk{};
    crypto::SharedKey key{};
  };

  [[nodiscard]] Received Accept(Incoming const& message, TwinPtr const& sender, std::uint64_t now);
  Result<std::string> Decrypt(EnvelopeView const& envelope, TwinInfo const& sender);
  Result<Payload> Encrypt(TwinInfo const& to, std::string_view plain);
  Result<crypto::SharedKey> KeyWith(TwinInfo const& twin);
  [[nodiscard]] std::string Finish(Envelope envelope) const;

  Identity identity_;
  crypto::KeyCache signers_;
  ReplayTable replay_;
  std::mutex mutex_;  // guards keys_
  std::unordered_map<std::uint32_t, AgreedKey> keys_;
};

}  // namespace trellis::rmb
