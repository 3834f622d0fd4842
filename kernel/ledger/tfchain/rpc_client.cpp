#include "kernel/ledger/tfchain/rpc_client.hpp"

#include "kernel/ledger/tfchain/connection.hpp"

#include <pthread.h>

#include <boost/asio.hpp>

#include <future>
#include <map>
#include <thread>

namespace trellis::ledger::tfchain {

namespace asio = boost::asio;
using boost::json::array;
using boost::json::object;
using boost::system::error_code;

namespace {

constexpr std::chrono::milliseconds kFirstPause(500);
constexpr std::size_t kMaxPending = 10'000;
constexpr std::int64_t kServerError = -32000;

/// The node's error object.
tl::unexpected<Error> NodeError(json::Value const& error) {
  auto const* const body = error.if_object();
  if (body == nullptr) return Fail(Code::kUnavailable, "the node answered nonsense");
  auto const text = [&](std::string_view name) {
    auto const* const value = body->if_contains(name);
    if (value == nullptr) return std::string();
    return value->is_string() ? std::string(std::string_view(value->get_string()))
                              : boost::json::serialize(*value);
  };
  auto const* const code = body->if_contains("code");
  bool const unknown_block =
      code != nullptr && code->is_int64() && code->get_int64() == kServerError;
  auto const data = text("data");
  return Fail(unknown_block ? Code::kNotFound : Code::kInvalid, "{} {}{}{}", text("code"),
              text("message"), data.empty() ? "" : ": ", data);
}

}  // namespace

class RpcClient::Impl {
 public:
  using Answer = Result<json::Value>;
  using Until = std::function<std::optional<Answer>(json::Value const&)>;

  Impl(RpcOptions options, std::vector<Url> urls)
      : options_(std::move(options)),
        urls_(std::move(urls)),
        retry_(io_),
        pause_(std::min(kFirstPause, options_.longest_pause)) {
    asio::post(io_, [this] { Open(); });
    thread_ = std::thread([this] {
      (void)::pthread_setname_np(::pthread_self(), "tfchain");
      auto const work = asio::make_work_guard(io_);
      io_.run();
    });
  }

  ~Impl() {
    asio::post(io_, [this] {
      stopped_ = true;
      retry_.cancel();
      connection_.reset();
      FailAll("the client was closed");
      io_.stop();
    });
    thread_.join();
  }

  Answer Request(std::string_view method, array params, Until until,
                 std::chrono::milliseconds timeout) {
    auto pending = std::make_shared<Pending>();
    pending->method = std::string(method);
    pending->params = std::move(params);
    pending->until = std::move(until);
    auto future = pending->promise.get_future();
    asio::post(io_, [this, pending, timeout] { Begin(pending, timeout); });
    return future.get();
  }

  [[nodiscard]] std::chrono::milliseconds timeout() const { return options_.timeout; }

 private:
  /// A request that waits for its answer, or for the update it is about.
  struct Pending {
    std::string method;
    array params;
    Until until;  // empty: the answer is the result
    std::promise<Answer> promise;
    std::chrono::milliseconds timeout{};
    std::unique_ptr<asio::steady_timer> timer;
    std::uint64_t id = 0;  // in requests_; 0 = not sent
    bool asked_again = false;
    bool settled = false;

    void Settle(Answer answer) {
      if (std::exchange(settled, true)) return;
      if (timer != nullptr) timer->cancel();
      promise.set_value(std::move(answer));
    }
  };
  using PendingPtr = std::shared_ptr<Pending>;  // shared by the tables and the timer

  void Open() {
    ConnectionEvents events;
    events.open = [this] { OnOpen(); };
    events.message = [this](std::string_view text) { OnMessage(text); };
    events.lost = [this](std::string const& why) { OnLost(why); };
    connection_ = Connect(io_, urls_[turn_++ % urls_.size()], std::move(events));
  }

  void OnOpen() {
    open_ = true;
    pause_ = std::min(kFirstPause, options_.longest_pause);
    if (options_.connected) options_.connected();
    for (auto const& subscription : options_.subscriptions) {
      auto pending = std::make_shared<Pending>();
      pending->method = subscription.method;
      pending->until = [&subscription](json::Value const& update) {
        subscription.notify(update);
        return std::optional<Answer>();
      };
      Send(pending);
    }
    auto const waiting = std::move(waiting_);
    waiting_.clear();
    for (auto const& pending : waiting)
      if (!pending->settled) Send(pending);
  }

  void OnLost(std::string const& why) {
    open_ = false;
    AskAgain();
    FailAll("the connection to the chain is lost: " + why);
    retry_.expires_after(pause_);
    pause_ = std::min(pause_ * 2, options_.longest_pause);
    retry_.async_wait([this](error_code error) {
      if (!error && !stopped_) Open();
    });
  }

  /// Questions change nothing: the next connection is asked them, once.
  void AskAgain() {
    for (auto it = requests_.begin(); it != requests_.end();) {
      auto const pending = it->second;
      bool const again = !pending->until && !std::exchange(pending->asked_again, true);
      it = again ? requests_.erase(it) : std::next(it);
      if (!again) continue;
      waiting_.push_back(pending);
      Expire(pending, options_.patience, "there is no connection to the chain");
    }
  }

  void FailAll(std::string const& why) {
    auto const requests = std::move(requests_);
    auto const watched = std::move(watched_);
    auto const waiting = stopped_ ? std::move(waiting_) : std::vector<PendingPtr>();
    requests_.clear();
    watched_.clear();
    for (auto const& [id, pending] : requests)
      pending->Settle(Fail(Code::kUnavailable, "{}", why));
    for (auto const& [id, pending] : watched)
      pending->Settle(Fail(Code::kUnavailable, "{}", why));
    for (auto const& pending : waiting)
      pending->Settle(Fail(Code::kUnavailable, "{}", why));
  }

  void Begin(PendingPtr const& pending, std::chrono::milliseconds timeout) {
    if (stopped_ || requests_.size() + waiting_.size() > kMaxPending)
      return pending->Settle(Fail(Code::kUnavailable, "too many calls to the chain"));
    pending->timeout = timeout;
    pending->timer = std::make_unique<asio::steady_timer>(io_);
    if (open_) return Send(pending);
    waiting_.push_back(pending);
    Expire(pending, options_.patience, "there is no connection to the chain");
  }

  void Expire(PendingPtr const& pending, std::chrono::milliseconds limit, std::string_view why) {
    if (pending->timer == nullptr) return;  // a kept subscription
    pending->timer->expires_after(limit);
    pending->timer->async_wait([this, pending, why](error_code error) {
      if (error) return;
      requests_.erase(pending->id);
      pending->Settle(Fail(Code::kUnavailable, "{} ({})", why, pending->method));
    });
  }

  void Send(PendingPtr const& pending) {
    auto const id = pending->id = next_id_++;
    requests_[id] = pending;
    Expire(pending, pending->timeout, "the chain does not answer");
    connection_->Send(boost::json::serialize(object{
        {"jsonrpc", "2.0"}, {"id", id}, {"method", pending->method}, {"params", pending->params}}));
  }

  void OnMessage(std::string_view text) {
    auto const message = json::ParseValue(text);
    auto const* const body = message ? message->if_object() : nullptr;
    if (body == nullptr) return;
    auto const* const id = body->if_contains("id");
    if (id != nullptr && id->is_int64()) return OnAnswer(id->get_int64(), *body);
    if (auto const* const params = body->if_contains("params"); params != nullptr)
      OnUpdate(*params);
  }

  void OnAnswer(std::int64_t id, object const& body) {
    auto const found = requests_.find(static_cast<std::uint64_t>(id));
    if (found == requests_.end()) return;
    auto const pending = found->second;
    requests_.erase(found);
    auto const* const result = body.if_contains("result");
    if (result == nullptr) {
      auto const* const error = body.if_contains("error");
      return pending->Settle(NodeError(error == nullptr ? json::Value(nullptr) : *error));
    }
    if (!pending->until) return pending->Settle(*result);
    watched_[boost::json::serialize(*result)] = pending;
  }

  void OnUpdate(json::Value const& params) {
    auto const* const body = params.if_object();
    auto const* const subscription = body == nullptr ? nullptr : body->if_contains("subscription");
    auto const* const result = body == nullptr ? nullptr : body->if_contains("result");
    if (subscription == nullptr || result == nullptr) return;
    auto const found = watched_.find(boost::json::serialize(*subscription));
    if (found == watched_.end()) return;
    auto const pending = found->second;
    auto answer = pending->until(*result);
    if (answer) pending->Settle(*std::move(answer));
    if (pending->settled) watched_.erase(boost::json::serialize(*subscription));
  }

  RpcOptions options_;
  std::vector<Url> urls_;
  std::size_t turn_ = 0;  // whose it is when the connection is lost
  asio::io_context io_{1};
  asio::steady_timer retry_;
  std::chrono::milliseconds pause_;
  std::unique_ptr<Connection> connection_;
  bool open_ = false;
  bool stopped_ = false;
  std::uint64_t next_id_ = 1;
  std::vector<PendingPtr> waiting_;               // for a connection
  std::map<std::uint64_t, PendingPtr> requests_;  // for an answer
  std::map<std::string, PendingPtr> watched_;     // by subscription
  std::thread thread_;
};

RpcClient::RpcClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RpcClient::~RpcClient() = default;

Result<std::unique_ptr<RpcClient>> RpcClient::Start(RpcOptions options) {
  std::vector<Url> urls;
  for (auto const& text : options.urls) {
    TRELLIS_TRY(auto url, ParseUrl(text));
    urls.push_back(std::move(url));
  }
  if (urls.empty()) return Fail(Code::kInvalid, "no node of the chain is named");
  auto impl = std::make_unique<Impl>(std::move(options), std::move(urls));
  return std::unique_ptr<RpcClient>(new RpcClient(std::move(impl)));
}

Result<json::Value> RpcClient::Call(std::string_view method, array params) {
  return impl_->Request(method, std::move(params), {}, impl_->timeout());
}

Result<json::Value> RpcClient::Watch(
    std::string_view method, array params,
    std::function<std::optional<Result<json::Value>>(json::Value const&)> until,
    std::chrono::milliseconds timeout) {
  return impl_->Request(method, std::move(params), std::move(until), timeout);
}

}  // namespace trellis::ledger::tfchain
