#include "kernel/rmb/peer.hpp"

#include "kernel/base/random.hpp"
#include "kernel/rmb/token.hpp"

#include <pthread.h>

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

#include <deque>
#include <future>
#include <map>
#include <optional>
#include <thread>

namespace trellis::rmb {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

constexpr std::chrono::seconds kRetry(2);
constexpr std::chrono::seconds kIdle(
    40);  // no frame for this long: connect again; a ping goes out after half of it
constexpr std::int64_t kTokenLife = 300;
constexpr std::size_t kMaxMessage = std::size_t{16} << 20;
constexpr std::size_t kMaxQueued = 10000;

std::uint64_t Now() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

struct Endpoint {
  std::string host;
  std::string port;
};

Result<Endpoint> ParseUrl(std::string_view url) {
  constexpr std::string_view kScheme = "ws://";
  if (!url.starts_with(kScheme))
    return Fail(Code::kInvalid, "relay url '{}' is not usable: expected ws://host:port", url);
  auto rest = url.substr(kScheme.size());
  while (rest.ends_with('/'))
    rest.remove_suffix(1);
  auto const colon = rest.rfind(':');
  bool const port =
      colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos;
  Endpoint endpoint{std::string(port ? rest.substr(0, colon) : rest),
                    std::string(port ? rest.substr(colon + 1) : "80")};
  if (endpoint.host.empty()) return Fail(Code::kInvalid, "relay url '{}' names no host", url);
  return endpoint;
}

}  // namespace

class Peer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  using CallResult = tl::expected<std::string, Failure>;

  Impl(Endpoint endpoint, Identity identity, TwinDirectory& twins, Handler handler)
      : endpoint_(std::move(endpoint)),
        inbox_(std::move(identity), twins),
        handler_(std::move(handler)),
        resolver_(io_),
        retry_(io_) {}

  void Run() {
    asio::post(io_, [this] { Connect(); });
    thread_ = std::thread([this] {
      (void)::pthread_setname_np(::pthread_self(), "rmb");
      io_.run();
    });
  }

  void Stop() {
    asio::post(io_, [this] {
      stopped_ = true;
      for (auto& [uid, call] : calls_)
        call.promise.set_value(
            tl::unexpected<Failure>(Failure{Error{Code::kCancelled, "the peer was closed"}, 0}));
      calls_.clear();
      retry_.cancel();
      resolver_.cancel();
      error_code ignored;
      if (ws_ != nullptr) beast::get_lowest_layer(*ws_).socket().close(ignored);
      io_.stop();
    });
    if (thread_.joinable()) thread_.join();
  }

  bool WaitConnected(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [this] { return connected_; });
  }

  CallResult Call(std::uint32_t twin, std::string_view command, std::string_view payload,
                  std::chrono::seconds life) {
    std::promise<CallResult> promise;
    auto future = promise.get_future();
    asio::post(io_, [this, twin, life, command = std::string(command),
                     payload = std::string(payload), promise = std::move(promise)]() mutable {
      auto const uid = RandomUuid();
      auto bytes = inbox_.MakeRequest(twin, uid, std::move(command), payload,
                                      static_cast<std::uint64_t>(life.count()), Now());
      if (!bytes) {
        promise.set_value(tl::unexpected<Failure>(Failure{bytes.error(), 0}));
        return;
      }
      auto timer = std::make_unique<asio::steady_timer>(io_, life);
      timer->async_wait([this, uid](error_code error) {
        if (!error)
          Settle(uid, tl::unexpected<Failure>(Failure{
                          Error{Code::kTimeout, "no answer within the life of the request"}, 0}));
      });
      calls_.emplace(uid, Pending{twin, std::move(promise), std::move(timer)});
      Send(*std::move(bytes));
    });
    return future.get();
  }

 private:
  struct Pending {
    std::uint32_t twin = 0;
    std::promise<CallResult> promise;
    std::unique_ptr<asio::steady_timer> timer;
  };
  using Socket = websocket::stream<beast::tcp_stream>;

  void Connect() {
    if (stopped_) return;
    resolver_.async_resolve(endpoint_.host, endpoint_.port,
                            [this](error_code error, tcp::resolver::results_type const& found) {
                              if (error) return Retry();
                              auto ws = std::make_shared<Socket>(io_);
                              ws_ = ws;
                              beast::get_lowest_layer(*ws).expires_after(std::chrono::seconds(10));
                              beast::get_lowest_layer(*ws).async_connect(
                                  found, [this, ws](error_code failed, tcp::endpoint const&) {
                                    if (failed) return Retry();
                                    Handshake(ws);
                                  });
                            });
  }

  void Handshake(std::shared_ptr<Socket> const& ws) {
    error_code ignored;
    beast::get_lowest_layer(*ws).socket().set_option(tcp::no_delay(true), ignored);
    beast::get_lowest_layer(*ws).expires_never();
    websocket::stream_base::timeout timeout{};
    timeout.handshake_timeout = std::chrono::seconds(10);
    timeout.idle_timeout = kIdle;
    timeout.keep_alive_pings = true;
    ws->set_option(timeout);
    ws->read_message_max(kMaxMessage);
    ws->binary(true);
    TokenClaims claims;
    claims.sub = inbox_.identity().twin;
    claims.iat = static_cast<std::int64_t>(Now());
    claims.exp = claims.iat + kTokenLife;
    claims.sid = inbox_.identity().session;
    auto const target = "/?" + MakeToken(claims, inbox_.identity().signer);
    ws->async_handshake(endpoint_.host + ":" + endpoint_.port, target,
                        [this, ws](error_code error) {
                          if (error) return Retry();
                          SetConnected(true);
                          Read(ws);
                          Flush();
                        });
  }

  void Read(std::shared_ptr<Socket> const& ws) {
    ws->async_read(buffer_, [this, ws](error_code error, std::size_t) {
      if (error || ws != ws_) {
        if (ws == ws_) Lost();
        return;
      }
      std::string bytes(static_cast<char const*>(buffer_.data().data()), buffer_.data().size());
      buffer_.consume(buffer_.size());
      if (ws->got_binary()) Handle(bytes);
      Read(ws);
    });
  }

  void Handle(std::string const& bytes) {
    auto received = inbox_.Receive(bytes, Now());
    if (auto* answer = std::get_if<std::string>(&received); answer != nullptr)
      return Send(std::move(*answer));
    if (auto* request = std::get_if<IncomingRequest>(&received); request != nullptr)
      return Serve(std::move(*request));
    auto* answer = std::get_if<IncomingAnswer>(&received);
    if (answer == nullptr) return;
    auto const call = calls_.find(answer->uid);
    bool const expected =
        call != calls_.end() && (answer->from == 0 || answer->from == call->second.twin);
    if (!expected) return;
    if (answer->error.has_value()) {
      return Settle(answer->uid,
                    tl::unexpected<Failure>(Failure{Error{Code::kDenied, answer->error->message},
                                                    answer->error->code}));
    }
    Settle(answer->uid, std::move(answer->payload));
  }

  void Serve(IncomingRequest request) {
    if (!handler_)
      return Send(inbox_.MakeError(request.source, request.uid, request.expiration,
                                   {404, "function is not found"}, Now()));
    auto shared = std::make_shared<IncomingRequest const>(request);
    std::weak_ptr<Impl> const weak = weak_from_this();
    handler_(std::move(request), [weak, shared](Outcome outcome) {
      auto const self = weak.lock();
      if (self == nullptr) return;
      asio::post(self->io_, [self, shared, outcome = std::move(outcome)] {
        if (outcome.error.empty())
          return self->Send(self->inbox_.MakeResponse(*shared, outcome.payload, Now()));
        auto bytes = self->inbox_.MakeError(shared->source, shared->uid, shared->expiration,
                                            {outcome.error_code, outcome.error}, Now());
        self->inbox_.Remember(*shared, bytes);
        self->Send(std::move(bytes));
      });
    });
  }

  void Settle(std::string const& uid, CallResult result) {
    auto const call = calls_.find(uid);
    if (call == calls_.end()) return;
    auto pending = std::move(call->second);
    calls_.erase(call);
    pending.timer->cancel();
    pending.promise.set_value(std::move(result));
  }

  void Send(std::string bytes) {
    if (outgoing_.size() >= kMaxQueued) outgoing_.pop_front();
    outgoing_.push_back(std::make_shared<std::string const>(std::move(bytes)));
    Flush();
  }

  void Flush() {
    if (writing_ || outgoing_.empty() || ws_ == nullptr || !ws_->is_open()) return;
    writing_ = true;
    auto ws = ws_;
    auto bytes = outgoing_.front();
    ws->async_write(asio::buffer(*bytes), [this, ws, bytes](error_code error, std::size_t) {
      writing_ = false;
      if (error || ws != ws_) return Flush();
      if (!outgoing_.empty() && outgoing_.front() == bytes) outgoing_.pop_front();
      Flush();
    });
  }

  void Lost() {
    SetConnected(false);
    Retry();
  }

  void Retry() {
    if (stopped_) return;
    ws_.reset();
    buffer_.consume(buffer_.size());
    retry_.expires_after(kRetry);
    retry_.async_wait([this](error_code error) {
      if (!error) Connect();
    });
  }

  void SetConnected(bool connected) {
    std::lock_guard const lock(mutex_);
    connected_ = connected;
    changed_.notify_all();
  }

  Endpoint endpoint_;
  asio::io_context io_{1};
  Inbox inbox_;
  Handler handler_;
  tcp::resolver resolver_;
  asio::steady_timer retry_;
  std::shared_ptr<Socket> ws_;  // shared with the operations under way on it
  beast::flat_buffer buffer_;
  std::deque<std::shared_ptr<std::string const>> outgoing_;
  bool writing_ = false;
  bool stopped_ = false;
  std::map<std::string, Pending> calls_;
  std::mutex mutex_;  // guards connected_
  std::condition_variable changed_;
  bool connected_ = false;
  std::thread thread_;
};

Peer::Peer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Peer::~Peer() {
  impl_->Stop();
}

Result<std::unique_ptr<Peer>> Peer::Start(std::string_view relay_url, Identity identity,
                                          TwinDirectory& twins, Handler handler) {
  TRELLIS_TRY(auto endpoint, ParseUrl(relay_url));
  auto impl =
      std::make_shared<Impl>(std::move(endpoint), std::move(identity), twins, std::move(handler));
  impl->Run();
  return std::unique_ptr<Peer>(new Peer(std::move(impl)));
}

bool Peer::WaitConnected(std::chrono::milliseconds limit) {
  return impl_->WaitConnected(limit);
}

tl::expected<std::string, Peer::Failure> Peer::Call(std::uint32_t twin, std::string_view command,
                                                    std::string_view payload,
                                                    std::chrono::seconds life) {
  return impl_->Call(twin, command, payload, life);
}

}  // namespace trellis::rmb
