#include "kernel/rmb/frontend/frontend.hpp"

#include "kernel/base/strings.hpp"
#include "kernel/rmb/frontend/broker.hpp"
#include "kernel/rmb/frontend/client.hpp"
#include "kernel/rmb/frontend/commands.hpp"
#include "kernel/sys/files.hpp"

#include <pthread.h>
#include <sys/stat.h>

#include <boost/asio.hpp>

#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

namespace trellis::rmb {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds kSweepInterval(5);
constexpr std::int64_t kServiceMemory = 300;  // how long a service counts after it last looked
constexpr std::size_t kMaxServices = 1000;

}  // namespace

class Frontend::Impl final : public ListHost {
 public:
  Impl(FrontendOptions options, Peer& peer, Clock const& clock)
      : options_(std::move(options)),
        peer_(peer),
        clock_(clock),
        acceptor_(*io_),
        sweep_(*io_),
        broker_(
            lists_, clock,
            [this](Question question, std::function<void(CallResult)> done) {
              Ask(std::move(question), std::move(done));
            },
            [this](std::string const& list) { Serve(list); }),
        commands_(
            lists_, clock,
            {[this](std::string_view list, std::string const& text) { broker_.Take(list, text); },
             [this](std::string const& list) { Serve(list); },
             [this](std::string_view command) { NoteService(command); }}) {}

  ~Impl() override {
    asio::post(*io_, [this] { io_->stop(); });
    if (thread_.joinable()) thread_.join();
    if (!socket_file_.empty()) {
      std::error_code ignored;  // somebody else may have removed it
      std::filesystem::remove(socket_file_, ignored);
    }
  }

  Result<void> Listen() {
    bool const path = options_.listen.find('/') != std::string::npos;
    TRELLIS_CHECK(path ? ListenOnFile() : ListenOnAddress());
    Accept();
    Sweep();
    thread_ = std::thread([this] {
      (void)::pthread_setname_np(::pthread_self(), "rmb-lists");
      io_->run();
    });
    return {};
  }

  bool Offer(IncomingRequest const& request, Reply const& reply) {
    {
      std::lock_guard const lock(mutex_);
      auto const service = services_.find(request.command);
      if (service == services_.end() || service->second <= clock_.UnixSeconds()) return false;
    }
    asio::post(*io_, [this, request, reply] { broker_.Serve(request, reply); });
    return true;
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

  // ---- ListHost ----
  Commands& commands() override { return commands_; }
  void Wait(std::string const& list, std::shared_ptr<ListClient> client) override {
    waiting_.emplace(list, std::move(client));
  }
  void StopWaiting(ListClient const* client) override {
    std::erase_if(waiting_, [&](auto const& entry) { return entry.second.get() == client; });
  }
  void Left() override { --clients_; }

 private:
  using Socket = asio::generic::stream_protocol::socket;
  using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

  Result<void> Bind(asio::generic::stream_protocol::endpoint const& endpoint) {
    error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error && socket_file_.empty())
      acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    // Only the daemon's user: programs speak as the node's twin. The file gets the socket's mode.
    if (!error && !socket_file_.empty()) (void)::fchmod(acceptor_.native_handle(), 0600);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      return Fail(Code::kIo, "rmb.frontend: cannot listen on '{}': {}", options_.listen,
                  error.message());
    return {};
  }
  Result<void> ListenOnFile() {
    std::filesystem::path const file(options_.listen);
    TRELLIS_CHECK(sys::EnsureDirectory(file.parent_path()));
    std::error_code none;  // of an earlier run
    if (std::filesystem::is_socket(file, none)) std::filesystem::remove(file, none);
    socket_file_ = file;
    return Bind(asio::local::stream_protocol::endpoint(options_.listen));
  }
  Result<void> ListenOnAddress() {
    auto const colon = options_.listen.rfind(':');
    auto const host = options_.listen.substr(0, colon);
    error_code error;
    auto const address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
    auto const port = strings::ParseNumber<std::uint16_t>(
        colon == std::string::npos ? "" : std::string_view(options_.listen).substr(colon + 1));
    if (error || !port || !address.is_loopback())
      return Fail(Code::kInvalid,
                  "rmb.frontend: '{}' is neither the path of a socket nor <loopback ip>:<port>",
                  options_.listen);
    asio::ip::tcp::endpoint const endpoint(address, *port);
    TRELLIS_CHECK(Bind(endpoint));
    auto const local = acceptor_.local_endpoint();
    asio::ip::tcp::endpoint bound;
    std::memcpy(bound.data(), local.data(), local.size());
    port_ = bound.port();
    return {};
  }

  void Accept() {
    acceptor_.async_accept([this](error_code error, Socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (!error && clients_ < options_.connections) {
        ++clients_;
        ListClient::Start(std::move(socket), *this);
      }
      Accept();
    });
  }
  void Sweep() {
    sweep_.expires_after(kSweepInterval);
    sweep_.async_wait([this](error_code error) {
      if (error) return;
      auto const now = clock_.UnixSeconds();
      lists_.Sweep(now);
      broker_.Sweep(now);
      {
        std::lock_guard const lock(mutex_);
        std::erase_if(services_, [now](auto const& entry) { return entry.second <= now; });
      }
      Sweep();
    });
  }

  /// Gives elements of the list to those who wait for it longest.
  void Serve(std::string const& list) {
    auto waiting = waiting_.find(list);
    while (waiting != waiting_.end()) {
      auto const client = waiting->second;
      if (!client->TryServe()) return;  // nothing is left
      StopWaiting(client.get());
      waiting = waiting_.find(list);
    }
  }

  void Ask(Question question, std::function<void(CallResult)> done) {
    peer_.Ask(std::move(question),
              [context = std::weak_ptr(io_), done = std::move(done)](CallResult result) {
                auto const io = context.lock();
                if (io == nullptr) return;  // the front-end is gone
                asio::post(*io, [done, result = std::move(result)] { done(result); });
              });
  }

  void NoteService(std::string_view command) {
    std::lock_guard const lock(mutex_);
    auto const found = services_.find(command);
    if (found == services_.end() && services_.size() >= kMaxServices) return;
    services_.insert_or_assign(std::string(command), clock_.UnixSeconds() + kServiceMemory);
  }

  FrontendOptions options_;
  Peer& peer_;
  Clock const& clock_;
  std::shared_ptr<asio::io_context> io_ =
      std::make_shared<asio::io_context>(1);  // with late answers
  Acceptor acceptor_;
  asio::steady_timer sweep_;
  std::filesystem::path socket_file_;
  Lists lists_;
  Broker broker_;
  Commands commands_;
  std::multimap<std::string, std::shared_ptr<ListClient>> waiting_;  // longest first
  std::size_t clients_ = 0;
  std::uint16_t port_ = 0;
  std::mutex mutex_;                                           // guards services_
  std::map<std::string, std::int64_t, std::less<>> services_;  // commands, until when they count
  std::thread thread_;
};

Frontend::Frontend(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Frontend::~Frontend() = default;

Result<std::unique_ptr<Frontend>> Frontend::Start(FrontendOptions options, Peer& peer,
                                                  Clock const& clock) {
  auto impl = std::make_unique<Impl>(std::move(options), peer, clock);
  TRELLIS_CHECK(impl->Listen());
  return std::unique_ptr<Frontend>(new Frontend(std::move(impl)));
}

bool Frontend::Offer(IncomingRequest const& request, Reply const& reply) {
  return impl_->Offer(request, reply);
}
std::uint16_t Frontend::port() const {
  return impl_->port();
}

}  // namespace trellis::rmb
