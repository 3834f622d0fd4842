#include "kernel/rmb/relay/redis_client.hpp"

#include "kernel/base/log.hpp"
#include "kernel/rmb/link.hpp"

#include <boost/asio.hpp>

#include <array>
#include <chrono>
#include <deque>

namespace trellis::rmb {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds kConnectTime(3);
constexpr std::chrono::seconds kAnswerTime(10);  // for the oldest command
constexpr std::size_t kReadAtOnce = std::size_t{64} << 10U;

tl::unexpected<Error> Away() {
  return Fail(Code::kUnavailable, "the redis server is away");
}

}  // namespace

class RedisClient::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, RedisOptions const& options, std::string channel, Events events)
      : io_(io),
        options_(options),
        channel_(std::move(channel)),
        events_(std::move(events)),
        socket_(io),
        timer_(io),
        read_buffer_(kReadAtOnce) {}

  void Start() {
    asio::co_spawn(
        io_, [self = shared_from_this()] { return self->Run(); }, asio::detached);
  }
  void Stop() {
    stopped_ = true;
    timer_.cancel();
    error_code ignored;  // it ends either way
    socket_.close(ignored);
    pending_.clear();
  }
  [[nodiscard]] bool connected() const { return ready_; }

  void Send(std::vector<std::string> const& command, Done done) {
    auto bytes = RespArray(command);
    if (!ready_ || pending_bytes_ + bytes.size() > kMaxPendingBytes) return done(Away());
    Write(std::move(bytes), std::move(done));
  }

 private:
  struct Pending {
    Done done;
    std::size_t bytes = 0;
    std::chrono::steady_clock::time_point since;
  };

  void Write(std::string bytes, Done done) {
    pending_bytes_ += bytes.size();
    pending_.push_back({std::move(done), bytes.size(), std::chrono::steady_clock::now()});
    out_ += bytes;
    Flush();
  }

  void Flush() {
    if (writing_ || out_.empty()) return;
    writing_ = true;
    auto const bytes = std::make_shared<std::string>(std::exchange(out_, {}));
    auto const epoch = epoch_;
    asio::async_write(socket_, asio::buffer(*bytes),
                      [self = shared_from_this(), bytes, epoch](error_code error, std::size_t) {
                        if (epoch != self->epoch_) return;
                        self->writing_ = false;
                        if (!error) self->Flush();  // else the reader sees it too
                      });
  }

  asio::awaitable<void> Run();
  asio::awaitable<void> Connect();
  asio::awaitable<void> Serve();
  asio::awaitable<RespValue> ReadValue();
  asio::awaitable<void> Ask(std::string command, std::string argument);
  void Dispatch(RespValue value);
  void WatchTime();
  void Lose();

  asio::io_context& io_;
  RedisOptions options_;
  std::string channel_;
  Events events_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  Backoff backoff_;
  RespReader reader_{RespLimits{std::size_t{256} << 20U, std::size_t{1} << 20U, 8}};
  std::vector<char> read_buffer_;
  std::deque<Pending> pending_;
  std::string out_;
  std::size_t pending_bytes_ = 0;
  std::uint64_t epoch_ = 0;  // which connection this is
  bool ready_ = false;
  bool warned_ = false;
  bool writing_ = false;
  bool stopped_ = false;
};

asio::awaitable<void> RedisClient::Impl::Run() {
  while (!stopped_) {
    std::string why;
    try {
      co_await Connect();
      co_await Serve();
    } catch (boost::system::system_error const& error) {
      why = error.what();
    }
    if (stopped_) break;
    if (!std::exchange(warned_, true))
      log::Warn("the relay's redis is away, retrying",
                {{"host", options_.host}, {"port", options_.port}, {"reason", why}});
    Lose();
    timer_.expires_after(backoff_.Next());
    error_code ended;  // Stop cancels it
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ended));
  }
}

asio::awaitable<void> RedisClient::Impl::Connect() {
  error_code not_numeric;
  auto const address = asio::ip::make_address(options_.host, not_numeric);
  std::vector<tcp::endpoint> found;
  if (!not_numeric) {
    found.emplace_back(address, options_.port);
  } else {
    tcp::resolver resolver(io_);
    auto const results = co_await resolver.async_resolve(
        options_.host, std::to_string(options_.port), asio::use_awaitable);
    for (auto const& entry : results)
      found.push_back(entry.endpoint());
  }
  timer_.expires_after(kConnectTime);
  timer_.async_wait([self = shared_from_this()](error_code error) {
    error_code ignored;  // the connection attempt ends with it
    if (!error && !self->ready_) self->socket_.close(ignored);
  });
  co_await asio::async_connect(socket_, found, asio::use_awaitable);
  socket_.set_option(tcp::no_delay(true));
  if (!options_.password.empty()) co_await Ask("AUTH", options_.password);
  if (options_.database != 0) co_await Ask("SELECT", std::to_string(options_.database));
  if (!channel_.empty()) co_await Ask("SUBSCRIBE", channel_);
  ready_ = true;
  timer_.cancel();
}

/// A command of the beginning: an error of the server ends the connection.
asio::awaitable<void> RedisClient::Impl::Ask(std::string command, std::string argument) {
  std::array<std::string, 2> const words{command, std::move(argument)};
  auto const bytes = RespArray(words);
  co_await asio::async_write(socket_, asio::buffer(bytes), asio::use_awaitable);
  auto const answer = co_await ReadValue();
  if (!answer.is_error()) co_return;
  log::Error("redis refuses the relay", {{"command", command}, {"reason", answer.text}});
  throw boost::system::system_error(asio::error::access_denied);
}

asio::awaitable<RespValue> RedisClient::Impl::ReadValue() {
  while (true) {
    auto value = reader_.Next();
    if (!value) throw boost::system::system_error(asio::error::fault);
    if (value->has_value()) co_return std::move(**value);
    auto const size =
        co_await socket_.async_read_some(asio::buffer(read_buffer_), asio::use_awaitable);
    reader_.Add({read_buffer_.data(), size});
  }
}

asio::awaitable<void> RedisClient::Impl::Serve() {
  backoff_.Reset();
  if (std::exchange(warned_, false)) log::Info("the relay's redis is back", {});
  WatchTime();
  events_.connected();
  while (!stopped_)
    Dispatch(co_await ReadValue());
}

void RedisClient::Impl::Dispatch(RespValue value) {
  if (stopped_) return;
  if (!channel_.empty()) {
    bool const message = value.items.size() == 3 && value.items[0].text == "message";
    if (message) events_.message(std::move(value.items[2].text));
    return;
  }
  if (pending_.empty()) return;  // nobody asked
  auto pending = std::move(pending_.front());
  pending_.pop_front();
  pending_bytes_ -= pending.bytes;
  if (pending.done) pending.done(std::move(value));
}

/// Ends a connection on which answers do not come.
void RedisClient::Impl::WatchTime() {
  timer_.expires_after(kAnswerTime / 2);
  timer_.async_wait([self = shared_from_this()](error_code error) {
    if (error || self->stopped_ || !self->ready_) return;
    auto const now = std::chrono::steady_clock::now();
    error_code ignored;  // the reader sees it
    bool const stuck = !self->pending_.empty() && now - self->pending_.front().since > kAnswerTime;
    if (stuck) return (void)self->socket_.close(ignored);
    self->WatchTime();
  });
}

void RedisClient::Impl::Lose() {
  timer_.cancel();
  error_code ignored;  // it is lost either way
  socket_.close(ignored);
  socket_ = tcp::socket(io_);
  reader_ = RespReader(RespLimits{std::size_t{256} << 20U, std::size_t{1} << 20U, 8});
  ++epoch_;
  writing_ = false;
  out_.clear();
  pending_bytes_ = 0;
  bool const was_ready = std::exchange(ready_, false);
  auto const lost = std::exchange(pending_, {});
  for (auto const& pending : lost) {
    if (pending.done) pending.done(Away());
  }
  if (was_ready) events_.lost();
}

RedisClient::RedisClient(asio::io_context& io, RedisOptions const& options, std::string channel,
                         Events events)
    : impl_(std::make_shared<Impl>(io, options, std::move(channel), std::move(events))) {
  impl_->Start();
}
RedisClient::~RedisClient() {
  impl_->Stop();
}
void RedisClient::Send(std::vector<std::string> const& command, Done done) {
  impl_->Send(command, std::move(done));
}
bool RedisClient::connected() const {
  return impl_->connected();
}

}  // namespace trellis::rmb
