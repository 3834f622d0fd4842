#include "kernel/rmb/relay/relay.hpp"

#include "kernel/rmb/relay/router.hpp"
#include "kernel/rmb/relay/session.hpp"
#include "kernel/rmb/token.hpp"

#include <pthread.h>

#include <thread>

namespace trellis::rmb {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

class Relay::Impl final : public SessionOwner {
 public:
  Impl(RelayOptions options, TwinDirectory& twins)
      : options_(std::move(options)),
        twins_(twins),
        acceptor_(io_),
        sweep_(io_),
        router_(options_, twins,
                {[this](Address const& session) { return sessions_.contains(session); },
                 [this](Address const& session) { Wake(session); }}) {}

  Result<void> Listen() {
    boost::system::error_code error;
    auto const address =
        asio::ip::make_address(options_.host == "localhost" ? "127.0.0.1" : options_.host, error);
    if (error)
      return Fail(Code::kInvalid, "relay.listen: '{}' is not an IP address", options_.host);
    tcp::endpoint const endpoint(address, options_.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      return Fail(Code::kIo, "the relay cannot listen on {}:{}: {}", options_.host, options_.port,
                  error.message());
    port_ = acceptor_.local_endpoint().port();
    auto domains = options_.domains;
    domains.push_back(fmt::format("{}:{}", options_.host, port_));
    if (options_.host == "127.0.0.1") domains.push_back(fmt::format("localhost:{}", port_));
    router_.SetOwnDomains(std::move(domains));
    Accept();
    Sweep();
    thread_ = std::thread([this] {
      (void)::pthread_setname_np(::pthread_self(), "relay");
      io_.run();
    });
    return {};
  }

  ~Impl() override {
    asio::post(io_, [this] {
      boost::system::error_code ignored;
      acceptor_.close(ignored);
      sweep_.cancel();
      auto sessions = std::move(sessions_);
      sessions_.clear();
      for (auto const& [address, session] : sessions)
        session->Close();
      io_.stop();
    });
    if (thread_.joinable()) thread_.join();
  }

  // ---- SessionOwner, on the relay's thread ----
  RelayOptions const& options() const override { return options_; }
  TwinDirectory& twins() override { return twins_; }
  Queues& queues() override { return router_.queues(); }
  RelayCounters& counters() override { return router_.counters(); }
  [[nodiscard]] std::size_t session_count() const override { return sessions_.size(); }
  void Add(Address const& address, std::shared_ptr<Session> session) override {
    auto old = std::exchange(sessions_[address], session);
    if (old != nullptr) old->Close();
    session->Flush();
  }
  void Remove(Address const& address, Session const* session) override {
    auto const found = sessions_.find(address);
    if (found == sessions_.end() || found->second.get() != session) return;
    sessions_.erase(found);
    ++router_.counters().evicted_closed;
  }
  Result<void> Route(Address const& from, std::string bytes, std::int64_t now) override {
    return router_.Route(from, std::move(bytes), now);
  }
  std::string MetricsText() override;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const { return fmt::format("ws://{}:{}", options_.host, port_); }

 private:
  void Wake(Address const& address) {
    if (auto const found = sessions_.find(address); found != sessions_.end())
      found->second->Flush();
  }
  void Accept() {
    acceptor_.async_accept([this](boost::system::error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted || !acceptor_.is_open()) return;
      if (!error) Session::Start(std::move(socket), *this);
      Accept();
    });
  }
  void Sweep() {
    sweep_.expires_after(std::chrono::seconds(60));
    sweep_.async_wait([this](boost::system::error_code error) {
      if (error) return;
      router_.queues().Sweep(UnixNow());
      Sweep();
    });
  }

  RelayOptions options_;
  TwinDirectory& twins_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer sweep_;
  std::map<Address, std::shared_ptr<Session>> sessions_;
  MessageRouter router_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

std::string Relay::Impl::MetricsText() {
  auto const& c = router_.counters();
  std::string text;
  auto const counter = [&](std::string_view name, std::uint64_t value) {
    text += fmt::format("# TYPE {0} counter\n{0} {1}\n", name, value);
  };
  counter("relay_message_rx", c.rx);
  counter("relay_message_tx", c.tx);
  counter("relay_message_rx_bytes", c.rx_bytes);
  counter("relay_message_tx_bytes", c.tx_bytes);
  text += "# TYPE relay_session_evictions_total counter\n";
  text += fmt::format("relay_session_evictions_total{{reason=\"closed\"}} {}\n", c.evicted_closed);
  text += fmt::format("relay_session_evictions_total{{reason=\"back_pressure_timeout\"}} {}\n",
                      c.evicted_slow);
  text += fmt::format(
      "# TYPE relay_worker_connections gauge\nrelay_worker_connections{{worker=\"0\"}} {}\n",
      sessions_.size());
  return text;
}

Relay::Relay(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Relay::~Relay() = default;

Result<std::unique_ptr<Relay>> Relay::Start(RelayOptions options, TwinDirectory& twins) {
  auto impl = std::make_unique<Impl>(std::move(options), twins);
  TRELLIS_CHECK(impl->Listen());
  return std::unique_ptr<Relay>(new Relay(std::move(impl)));
}

std::uint16_t Relay::port() const {
  return impl_->port();
}
std::string Relay::url() const {
  return impl_->url();
}

}  // namespace trellis::rmb
