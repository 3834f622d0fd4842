#include "kernel/rmb/relay/relay.hpp"

#include "kernel/rmb/relay/connection.hpp"
#include "kernel/rmb/relay/federation.hpp"
#include "kernel/rmb/relay/hub.hpp"
#include "kernel/rmb/relay/local_session.hpp"
#include "kernel/rmb/relay/metrics.hpp"
#include "kernel/rmb/relay/redis_delivery.hpp"
#include "kernel/sys/tcp_listen.hpp"

#include <pthread.h>

#include <boost/asio.hpp>

#include <future>
#include <thread>

namespace trellis::rmb {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds kSweepInterval(5);
constexpr std::chrono::milliseconds kAcceptPause(200);  // after the system ran out of descriptors

class LocalSessionOf final : public LocalSession {
 public:
  LocalSessionOf(std::shared_ptr<asio::io_context> io, std::shared_ptr<LocalReader> reader)
      : io_(std::move(io)), reader_(std::move(reader)) {}
  ~LocalSessionOf() override {
    std::promise<void> closed;
    asio::post(*io_, [&] {
      reader_->Close();
      closed.set_value();
    });
    closed.get_future().wait();
  }
  void Send(std::string envelope) override { reader_->Send(std::move(envelope)); }

 private:
  std::shared_ptr<asio::io_context> io_;  // shared with the relay, which outlives this
  std::shared_ptr<LocalReader> reader_;   // shared with what is posted to the relay's thread
};

}  // namespace

class Relay::Impl {
 public:
  Impl(RelayOptions options, Relay::Parts parts)
      : options_(std::move(options)),
        parts_(parts),
        acceptor_(*io_),
        sweep_(*io_),
        queues_(LocalLimits()),
        limit_(options_.limit),
        delivery_(MakeDelivery()),
        federation_(*io_, options_.federation, parts.clock,
                    [this](Address const& to, std::string const& uid, std::string text) {
                      router_.Report(to, uid, std::move(text), parts_.clock.UnixSeconds());
                    }),
        router_({parts.twins, queues_, *delivery_, federation_, limit_}),
        inbound_({io_, parts.twins, parts.pool, router_, *delivery_, limit_, parts.clock}),
        hub_({options_, io_, parts.twins, parts.pool, queues_, router_, *delivery_, inbound_,
              counters_, parts.clock, [this] { return MetricsText(); }, [this] { Sweep(); }}) {}

  Result<void> Listen() {
    if (!options_.tls_certificate.empty()) {
      TRELLIS_TRY(tls_, TlsServer::Load(options_.tls_certificate, options_.tls_key));
    }
    auto const host = options_.host == "localhost" ? "127.0.0.1" : options_.host;
    TRELLIS_CHECK(sys::ListenTcp(acceptor_, host, options_.port, {"relay.listen", "the relay "}));
    auto const address = acceptor_.local_endpoint().address();
    port_ = acceptor_.local_endpoint().port();
    host_text_ = address.is_v6() ? fmt::format("[{}]", host) : host;
    auto domains = options_.domains;
    domains.push_back(fmt::format("{}:{}", host_text_, port_));
    if (address.is_loopback()) domains.push_back(fmt::format("localhost:{}", port_));
    router_.SetOwnDomains(std::move(domains));
    return {};
  }

  void Run() {
    Accept();
    thread_ = std::thread([this] {
      (void)::pthread_setname_np(::pthread_self(), "relay");
      io_->run();
    });
  }

  ~Impl() {
    asio::post(*io_, [this] {
      error_code ignored;  // it ends either way
      acceptor_.close(ignored);
      sweep_.cancel();
      hub_.CloseAll();
      io_->stop();
    });
    if (thread_.joinable()) thread_.join();
  }

  std::unique_ptr<LocalSession> OpenLocal(Address const& session, LocalEvents events) {
    auto reader = std::make_shared<LocalReader>(hub_, session, std::move(events));
    asio::post(*io_, [reader] { reader->Open(); });
    return std::make_unique<LocalSessionOf>(io_, std::move(reader));
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const {
    return fmt::format("{}://{}:{}", tls_ != nullptr ? "wss" : "ws", host_text_, port_);
  }

 private:
  void Accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted || !acceptor_.is_open()) return;
      if (error) return AcceptLater();
      auto transport =
          tls_ != nullptr ? tls_->Wrap(std::move(socket)) : PlainTransport(std::move(socket));
      if (transport != nullptr) Connection::Start(std::move(transport), hub_);
      Sweep();
      Accept();
    });
  }
  /// The connection waits in the kernel until descriptors are free again.
  void AcceptLater() {
    auto timer = std::make_shared<asio::steady_timer>(*io_, kAcceptPause);
    timer->async_wait([this, timer](error_code error) {
      if (!error) Accept();
    });
  }
  /// Runs while there is something that can grow old.
  void Sweep() {
    if (std::exchange(sweeping_, true)) return;
    sweep_.expires_after(kSweepInterval);
    sweep_.async_wait([this](error_code error) {
      if (error) return;
      sweeping_ = false;
      hub_.Sweep();
      queues_.Sweep(parts_.clock.UnixSeconds());
      if (!hub_.idle() || queues_.total_bytes() > 0) Sweep();
    });
  }
  std::string MetricsText() {
    return RelayMetrics(counters_, queues_, hub_.session_count(), parts_.twins.counters()) +
           federation_.MetricsText();
  }

  /// What is read ahead from a shared store is bounded there.
  [[nodiscard]] QueueLimits LocalLimits() const {
    auto limits = options_.queues;
    if (options_.redis.has_value()) limits.session_bytes *= 2;
    return limits;
  }
  std::unique_ptr<Delivery> MakeDelivery() {
    if (!options_.redis.has_value())
      return std::make_unique<MemoryDelivery>(queues_, counters_, parts_.clock);
    return std::make_unique<RedisDelivery>(
        RedisDelivery::Parts{*io_, queues_, counters_, parts_.clock}, *options_.redis,
        options_.queues);
  }

  RelayOptions options_;
  Relay::Parts parts_;
  // Shared with look-ups and signature checks that end after the relay.
  std::shared_ptr<asio::io_context> io_ = std::make_shared<asio::io_context>(1);
  tcp::acceptor acceptor_;
  asio::steady_timer sweep_;
  bool sweeping_ = false;
  RelayCounters counters_;
  Queues queues_;
  RateLimit limit_;
  std::unique_ptr<Delivery> delivery_;
  Federation federation_;
  Router router_;
  Inbound inbound_;
  std::unique_ptr<TlsServer> tls_;
  Hub hub_;
  std::string host_text_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

Relay::Relay(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Relay::~Relay() = default;

Result<std::unique_ptr<Relay>> Relay::Start(RelayOptions options, Parts parts) {
  auto impl = std::make_unique<Impl>(std::move(options), parts);
  TRELLIS_CHECK(impl->Listen());
  impl->Run();
  return std::unique_ptr<Relay>(new Relay(std::move(impl)));
}

std::unique_ptr<LocalSession> Relay::OpenLocal(Address const& session, LocalEvents events) {
  return impl_->OpenLocal(session, std::move(events));
}
std::uint16_t Relay::port() const {
  return impl_->port();
}
std::string Relay::url() const {
  return impl_->url();
}

}  // namespace trellis::rmb
