// A relay on loopback with twins of its own.
#pragma once

#include "kernel/rmb/peer.hpp"
#include "kernel/rmb/relay/relay.hpp"
#include "tests/support/bus/client.hpp"
#include "tests/support/bus/twins.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace trellis::rmb {

/// Twins, a cache and a pool, and a relay over them.
class RelayBench {
 public:
  /// Port 0: any that is free. One that is to be used again is picked from those which the system
  /// does not give away meanwhile.
  explicit RelayBench(testing::BusTwins& twins, RelayOptions options = {}, std::uint16_t port = 0)
      : cache_(twins, {}, clock_) {
    options.port = port;
    auto started = Relay::Start(std::move(options), {cache_, pool_, clock_});
    if (!started) throw std::runtime_error(started.error().message);
    relay_ = *std::move(started);
  }

  [[nodiscard]] Relay& relay() { return *relay_; }
  [[nodiscard]] TwinCache& cache() { return cache_; }
  [[nodiscard]] FairPool& pool() { return pool_; }
  [[nodiscard]] Clock const& clock() const { return clock_; }
  [[nodiscard]] std::uint16_t port() const { return relay_->port(); }
  [[nodiscard]] std::string domain() const { return fmt::format("127.0.0.1:{}", port()); }
  [[nodiscard]] std::int64_t now() const { return clock_.UnixSeconds(); }
  /// Lets go of the port and of everything queued.
  void Stop() { relay_.reset(); }

 private:
  SystemClock clock_;
  TwinCache cache_;
  FairPool pool_{"verify", {}};
  std::unique_ptr<Relay> relay_;
};

class RelayTest : public ::testing::Test {
 protected:
  explicit RelayTest(RelayOptions const& options = {}) : bench_(twins_, WithDomain(options)) {
    for (std::uint32_t twin = 1; twin <= 5; ++twin)
      twins_.Add(twin, "relay.test");
  }
  static RelayOptions WithDomain(RelayOptions options) {
    options.domains.emplace_back("relay.test");
    return options;
  }
  std::unique_ptr<testing::BusClient> Connect(std::uint32_t twin,
                                              std::optional<std::string> session = {}) {
    auto client = std::make_unique<testing::BusClient>(bench_.port());
    EXPECT_EQ(client->Upgrade(testing::TokenOf(twin, std::move(session), bench_.now())).status,
              101U);
    return client;
  }
  Envelope Request(Address const& from, Address const& to, std::string const& uid = "uid") const {
    return testing::RequestOf(from, to, uid, bench_.now());
  }
  /// The uid of the next message, or why there is none.
  static std::string NextUid(testing::BusClient& client) {
    auto const envelope = client.ReceiveEnvelope();
    return envelope ? envelope->uid : "nothing";
  }
  static std::string NextError(testing::BusClient& client) {
    auto const envelope = client.ReceiveEnvelope();
    if (!envelope) return "nothing";
    auto const* const error = std::get_if<ErrorReport>(&envelope->message);
    return error == nullptr ? "no error" : error->message;
  }

  testing::BusTwins twins_;
  RelayBench bench_;
};

}  // namespace trellis::rmb
