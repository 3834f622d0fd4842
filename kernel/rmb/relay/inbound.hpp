// Letters that other relays hand over by HTTP. Nothing is believed but what is signed.
#pragma once

#include "kernel/rmb/fair_pool.hpp"
#include "kernel/rmb/relay/delivery.hpp"
#include "kernel/rmb/relay/rate_limit.hpp"
#include "kernel/rmb/relay/router.hpp"
#include "kernel/rmb/twin_cache.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

namespace trellis::rmb {

struct HttpAnswer {
  unsigned status = 0;
  std::string text;
};

/// Belongs to the relay's I/O thread; signatures are checked on the pool.
class Inbound {
 public:
  using Answer = std::function<void(HttpAnswer)>;
  struct Parts {
    std::shared_ptr<boost::asio::io_context> io;  // shared with answers that come later
    TwinCache& twins;
    FairPool& pool;
    Router& router;
    Delivery& delivery;
    RateLimit& limit;
    Clock const& clock;
  };

  explicit Inbound(Parts parts) : parts_(std::move(parts)) {}

  /// `answer` once, on the relay's thread: 202 when the message is queued; 400, 403, 404, 429, 500,
  /// 503 say why not. Callers with the same `caller` share one turn at the pool.
  void Take(std::string bytes, std::uint64_t caller, Answer answer);

 private:
  struct Case;
  using CasePtr = std::shared_ptr<Case>;  // shared by the steps of one message

  void CheckDestination(CasePtr const& message, TwinCache::Found const& twin);
  void CheckSource(CasePtr const& message, TwinCache::Found const& twin);
  void Deliver(CasePtr const& message, bool signature_is_good);

  Parts parts_;
};

}  // namespace trellis::rmb
