// What the relay decides about one message that a session sent. No I/O.
#pragma once

#include "kernel/rmb/relay/delivery.hpp"
#include "kernel/rmb/relay/options.hpp"
#include "kernel/rmb/relay/outbound.hpp"
#include "kernel/rmb/twin_cache.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::rmb {

/// When an envelope's life ends, unix seconds, saturating.
[[nodiscard]] std::int64_t ExpiryOf(EnvelopeView const& envelope);
/// A list of one message.
[[nodiscard]] Letters OneLetter(std::string bytes, std::int64_t expires, std::uint32_t source);
/// Does the sender want an error rather than a queue when nobody is there?
[[nodiscard]] bool WantsFailFast(EnvelopeView const& envelope);

/// Not thread-safe: belongs to the relay's I/O thread.
class Router {
 public:
  struct Parts {
    TwinCache& twins;
    Queues& queues;
    Delivery& delivery;
    Outbound& outbound;
    RateLimit& limit;
  };
  /// What became of a message.
  enum class Step : std::uint8_t {
    kDone,
    kMalformed,  ///< not an envelope: close the session
    kLookUp      ///< the destination's twin must be fetched first; then route again
  };
  struct Routed {
    Step step = Step::kDone;
    std::uint32_t twin = 0;  ///< of kLookUp
  };
  /// A message that is routed again after a look-up.
  struct Retry {
    std::optional<TwinCache::Found> twin;  ///< what the look-up found
  };

  explicit Router(Parts parts) : parts_(parts) {}

  /// Routes the one message that session `from` sent. Takes it, but for kLookUp.
  [[nodiscard]] Routed Route(Address const& from, Letters& message, std::int64_t now,
                             Retry const& retry = {});
  /// Tells a session that its request `uid` will not arrive.
  void Report(Address const& to, std::string_view uid, std::string text, std::int64_t now);

  /// By any of these names twins know this relay.
  void SetOwnDomains(std::vector<std::string> domains) { domains_ = std::move(domains); }
  [[nodiscard]] std::vector<std::string> const& domains() const { return domains_; }

 private:
  [[nodiscard]] Routed Deliver(Address const& from, EnvelopeView const& envelope, Letters& message,
                               std::int64_t now, Retry const& retry);
  void Push(Address const& from, EnvelopeView const& envelope, Letters& message, std::int64_t now);
  void Federate(Address const& from, TwinInfo const& to, EnvelopeView const& envelope,
                Letters& message, std::int64_t now);
  void ReportAbout(Address const& to, EnvelopeView const& about, std::string text,
                   std::int64_t now);
  void AnswerPing(Address const& from, EnvelopeView const& ping, std::int64_t now);

  Parts parts_;
  std::vector<std::string> domains_;
};

}  // namespace trellis::rmb
