#include "kernel/rmb/peer.hpp"

#include "kernel/base/random.hpp"
#include "kernel/rmb/calls.hpp"
#include "kernel/rmb/outbox.hpp"
#include "kernel/rmb/suspects.hpp"
#include "kernel/rmb/websocket_link.hpp"

#include <pthread.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <thread>
#include <utility>

namespace trellis::rmb {

namespace asio = boost::asio;

namespace {

constexpr std::uint64_t kAnswerLife = 300;  // how long an answer waits for a relay

CallFailure Failed(Code code, std::string text) {
  return {Error{code, std::move(text)}, 0};
}

std::string TooLarge(std::string_view what, std::size_t bytes) {
  return fmt::format("the {} has {} bytes, more than the {} that a message may have", what, bytes,
                     kMaxPayload);
}

}  // namespace

/// A client's own cache and pool.
struct Peer::Own {
  explicit Own(TwinDirectory& directory)
      : twins(directory, TwinCacheOptions{0, 0, 0, 10000, 10000}, clock), pool("verify", {}) {}
  SystemClock clock;
  TwinCache twins;
  FairPool pool;
};

class Peer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Identity identity, Parts parts, Handler handler)
      : parts_(parts), inbox_(std::move(identity)), handler_(std::move(handler)), alarm_(io_) {}

  void Run(std::vector<LinkMaker> const& makers) {
    std::vector<Link*> links;
    links.reserve(makers.size());
    for (auto const& maker : makers)
      links.push_back(links_.emplace_back(maker(io_)).get());
    outbox_.SetLinks(links);
    asio::post(io_, [this, links] {
      for (auto* const link : links)
        link->Start(EventsOf(link));
    });
    thread_ = std::thread([this] {
      (void)::pthread_setname_np(::pthread_self(), "rmb");
      auto const work = asio::make_work_guard(io_);
      io_.run();
    });
  }

  void Stop() {
    stopped_ = true;
    asio::post(io_, [this] {
      for (auto const& link : links_)
        link->Stop();
      alarm_.cancel();
      io_.stop();
    });
    if (thread_.joinable()) thread_.join();
    calls_.Close();
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return busy_ == 0; });
  }

  bool WaitConnected(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [this] { return connected_ > 0; });
  }

  void Ask(Question question, std::function<void(CallResult)> done);

 private:
  /// Counts work on other threads that uses the peer: Stop waits for it.
  class Busy {
   public:
    explicit Busy(Impl& impl) : impl_(impl) {
      std::lock_guard const lock(impl_.mutex_);
      ++impl_.busy_;
    }
    ~Busy() {
      std::lock_guard const lock(impl_.mutex_);
      if (--impl_.busy_ == 0) impl_.idle_.notify_all();
    }
    Busy(Busy const&) = delete;
    Busy& operator=(Busy const&) = delete;

   private:
    Impl& impl_;
  };

  [[nodiscard]] std::uint64_t Now() const {
    return static_cast<std::uint64_t>(parts_.clock.UnixSeconds());
  }
  LinkEvents EventsOf(Link* link);
  void OnMessage(std::string bytes, Link* link);
  void LookUp(IncomingPtr const& message, Link* link);
  void Verify(IncomingPtr const& message, TwinCache::Found const& sender, Link* link, bool again);
  void Act(Incoming const& message, Received received, Link* link);
  void Refuse(Incoming const& message, Refusal refusal, Link* link);
  void Serve(IncomingRequest request, Link* link);
  void Send(std::string bytes, std::uint64_t life, Link* link);
  void SendQuestion(Question question, TwinCache::Found const& twin,
                    std::function<void(CallResult)> const& done);
  [[nodiscard]] bool OwnKeyIsPublished();
  void RefreshOwn(std::function<void()> const& next);
  void ArmAlarm();

  Parts parts_;
  Inbox inbox_;
  Handler handler_;
  Suspects suspects_;
  Calls calls_;
  Outbox outbox_;
  asio::io_context io_{1};
  asio::steady_timer alarm_;  // the next deadline of a call; on the peer's thread
  std::vector<std::unique_ptr<Link>> links_;
  std::atomic<bool> stopped_{false};
  std::atomic<bool> published_{false};  // our key, when the ledger last said
  std::mutex mutex_;                    // guards the four below
  std::condition_variable changed_;
  std::condition_variable idle_;
  std::size_t connected_ = 0;  // links
  std::size_t busy_ = 0;       // pieces of work on other threads
  std::thread thread_;
};

LinkEvents Peer::Impl::EventsOf(Link* link) {
  LinkEvents events;
  events.message = [this, link](std::string bytes) { OnMessage(std::move(bytes), link); };
  auto const is_up = std::make_shared<bool>(false);  // shared by the two events of one link
  events.ready = [this, is_up] {
    if (!std::exchange(*is_up, true)) {
      std::lock_guard const lock(mutex_);
      ++connected_;
      changed_.notify_all();
    }
    outbox_.OnReady(Now());
  };
  events.lost = [this, is_up](std::deque<Parcel> parcels) {
    if (std::exchange(*is_up, false)) {
      std::lock_guard const lock(mutex_);
      --connected_;
    }
    outbox_.Return(std::move(parcels), Now());
  };
  return events;
}

void Peer::Impl::OnMessage(std::string bytes, Link* link) {
  if (stopped_) return;
  auto const message = inbox_.Open(std::move(bytes));
  if (message == nullptr) return;
  if (auto report = Inbox::AsReport(*message)) return calls_.Settle(*std::move(report));
  auto const& view = message->view;
  auto const twin = view.source->twin;
  bool const request = view.kind == Kind::kRequest;
  if (!request && !calls_.Expects(view.uid, twin)) return;  // nobody asked
  bool const suspect = suspects_.IsSuspect(twin, Now());
  if (suspect && !suspects_.MayCheck(twin, Now())) return;
  auto const lane = suspect ? Lane::kSuspect : Lane::kNormal;
  auto const size = message->bytes.size();
  // Too much of one twin is dropped: its requests run into their time limit, no others do.
  (void)parts_.pool.Post(twin, lane, size, [weak = weak_from_this(), message, link] {
    auto const self = weak.lock();
    if (self == nullptr) return;
    Busy const busy(*self);
    if (!self->stopped_) self->LookUp(message, link);
  });
}

void Peer::Impl::LookUp(IncomingPtr const& message, Link* link) {
  auto const twin = message->view.source->twin;
  if (auto const known = parts_.twins.Peek(twin)) return Verify(message, *known, link, false);
  parts_.twins.Fetch(twin, [weak = weak_from_this(), message, link](TwinCache::Found const& found) {
    auto const self = weak.lock();
    if (self == nullptr) return;
    Busy const busy(*self);
    if (!self->stopped_) self->Verify(message, found, link, false);
  });
}

void Peer::Impl::Verify(IncomingPtr const& message, TwinCache::Found const& sender, Link* link,
                        bool again) {
  auto received = inbox_.Judge(*message, sender, Now());
  auto const* const refusal = std::get_if<Refusal>(&received);
  bool const key_may_be_old =
      refusal != nullptr && (refusal->code == kErrorBadSignature || refusal->code == kErrorNoKey ||
                             refusal->code == kErrorE2e);
  if (!key_may_be_old || again) return Act(*message, std::move(received), link);
  // Keys change: once more with what the ledger says now.
  auto const twin = message->view.source->twin;
  parts_.twins.Refetch(twin, [weak = weak_from_this(), message, link, used = *sender,
                              first = *refusal](TwinCache::Found const& found) {
    auto const self = weak.lock();
    if (self == nullptr) return;
    Busy const busy(*self);
    if (self->stopped_) return;
    bool const changed = found && ((*found)->account != used->account || (*found)->pk != used->pk);
    if (changed) return self->Verify(message, found, link, true);
    self->Refuse(*message, first, link);
  });
}

void Peer::Impl::Act(Incoming const& message, Received received, Link* link) {
  if (auto* request = std::get_if<IncomingRequest>(&received); request != nullptr)
    return Serve(std::move(*request), link);
  if (auto* answer = std::get_if<IncomingAnswer>(&received); answer != nullptr)
    return calls_.Settle(std::move(*answer));
  if (auto* stored = std::get_if<ReplayTable::AnswerPtr>(&received); stored != nullptr)
    return Send(**stored, kAnswerLife, link);
  if (auto* const refusal = std::get_if<Refusal>(&received); refusal != nullptr)
    Refuse(message, std::move(*refusal), link);
}

void Peer::Impl::Refuse(Incoming const& message, Refusal refusal, Link* link) {
  auto const twin = message.view.source->twin;
  if (refusal.code == kErrorBadSignature) suspects_.Note(twin, Now());
  if (message.view.kind != Kind::kRequest || !suspects_.MayAnswer(twin, Now())) return;
  Send(inbox_.MakeRefusal(message, std::move(refusal), Now()), kAnswerLife, link);
}

void Peer::Impl::Serve(IncomingRequest request, Link* link) {
  if (!handler_)
    return Send(inbox_.MakeError(request, {404, "function is not found"}, Now()), kAnswerLife,
                link);
  auto payload = std::exchange(request.payload, {});  // only the handler needs it
  auto const shared = std::make_shared<IncomingRequest>(request);
  request.payload = std::move(payload);
  handler_(std::move(request), [weak = weak_from_this(), shared, link](Outcome outcome) {
    auto const self = weak.lock();
    if (self == nullptr) return;
    Busy const busy(*self);
    if (self->stopped_) return;
    auto const now = self->Now();
    if (outcome.payload.size() > kMaxPayload)
      outcome = {{}, kErrorTooLarge, TooLarge("answer", outcome.payload.size())};
    auto bytes = outcome.error.empty()
                     ? self->inbox_.MakeResponse(*shared, std::move(outcome.payload),
                                                 self->OwnKeyIsPublished(), now)
                     : self->inbox_.MakeError(*shared, {outcome.error_code, outcome.error}, now);
    self->Send(std::move(bytes), kAnswerLife, link);
  });
}

void Peer::Impl::Send(std::string bytes, std::uint64_t life, Link* link) {
  auto const now = Now();
  outbox_.Send({std::move(bytes), now + life}, link, now);
}

/// What the ledger said last; never waits. Asks again when that is old.
bool Peer::Impl::OwnKeyIsPublished() {
  auto const known = parts_.twins.Peek(inbox_.identity().twin);
  if (known && *known) published_ = (**known)->pk.has_value();
  if (!known) RefreshOwn([] {});
  return published_;
}

void Peer::Impl::RefreshOwn(std::function<void()> const& next) {
  auto const twin = inbox_.identity().twin;
  parts_.twins.Fetch(twin, [weak = weak_from_this(), next](TwinCache::Found const& found) {
    if (auto const self = weak.lock(); self != nullptr && found)
      self->published_ = (*found)->pk.has_value();
    next();
  });
}

void Peer::Impl::Ask(Question question, std::function<void(CallResult)> done) {
  auto const twin = question.to.twin;
  auto const next = [weak = weak_from_this(), question = std::move(question),
                     done = std::move(done)](TwinCache::Found const& found) {
    auto const self = weak.lock();
    if (self == nullptr || self->stopped_)
      return done(tl::unexpected<CallFailure>(Failed(Code::kCancelled, "the peer was closed")));
    Busy const busy(*self);
    self->SendQuestion(question, found, done);
  };
  RefreshOwn([weak = weak_from_this(), twin, next] {
    if (auto const self = weak.lock()) return self->parts_.twins.Fetch(twin, next);
    next(Fail(Code::kCancelled, "the peer was closed"));
  });
}

void Peer::Impl::SendQuestion(Question question, TwinCache::Found const& twin,
                              std::function<void(CallResult)> const& done) {
  auto const fail = [&](Error error) { done(tl::unexpected<CallFailure>({std::move(error), 0})); };
  if (!twin) return fail(twin.error());
  auto const now = Now();
  Outgoing request;
  request.uid = question.uid.empty() ? RandomUuid() : std::move(question.uid);
  request.command = std::move(question.command);
  request.payload = question.payload;
  if (request.payload.size() > kMaxPayload)
    return fail({Code::kInvalid, TooLarge("request", request.payload.size())});
  request.stamp = MakeStamp(now, question.timestamp, question.expiration);
  request.tags = std::move(question.tags);
  request.to = std::move(question.to);
  auto const uid = request.uid;
  auto const life = request.stamp.expiration;
  if (life == 0) return fail({Code::kTimeout, "the request has expired already"});
  auto bytes = inbox_.MakeRequest(std::move(request), **twin, OwnKeyIsPublished());
  if (!bytes) return fail(bytes.error());
  auto const on_end = [done](Calls::End end, IncomingAnswer answer) {
    if (end == Calls::End::kTimeout)
      return done(tl::unexpected<CallFailure>(
          Failed(Code::kTimeout, "no answer within the life of the request")));
    if (end == Calls::End::kClosed)
      return done(tl::unexpected<CallFailure>(Failed(Code::kCancelled, "the peer was closed")));
    if (!answer.error.has_value()) return done(std::move(answer.payload));
    done(tl::unexpected<CallFailure>(
        {Error{Code::kDenied, answer.error->message}, answer.error->code}));
  };
  auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds(life);
  if (!calls_.Add(uid, (*twin)->id, deadline, on_end)) {
    if (stopped_) return fail({Code::kCancelled, "the peer was closed"});
    return fail({Code::kExhausted, "too many requests are open"});
  }
  asio::post(io_, [weak = weak_from_this()] {
    if (auto const self = weak.lock()) self->ArmAlarm();
  });
  Send(*std::move(bytes), life, nullptr);
}

void Peer::Impl::ArmAlarm() {
  auto const next = calls_.Expire(std::chrono::steady_clock::now());
  if (!next) return;
  alarm_.expires_at(*next);
  alarm_.async_wait([this](boost::system::error_code error) {
    if (!error) ArmAlarm();
  });
}

Peer::Peer(std::unique_ptr<Own> own, std::shared_ptr<Impl> impl)
    : own_(std::move(own)), impl_(std::move(impl)) {}
Peer::~Peer() {
  impl_->Stop();
}

std::unique_ptr<Peer> Peer::Start(std::vector<LinkMaker> const& links, Identity identity,
                                  Parts parts, Handler handler) {
  auto impl = std::make_shared<Impl>(std::move(identity), parts, std::move(handler));
  impl->Run(links);
  return std::unique_ptr<Peer>(new Peer(nullptr, std::move(impl)));
}

Result<std::unique_ptr<Peer>> Peer::Start(std::string_view relay_url, Identity identity,
                                          TwinDirectory& twins, Handler handler) {
  TRELLIS_TRY(auto url, ParseRelayUrl(relay_url));
  auto own = std::make_unique<Own>(twins);
  std::vector<LinkMaker> const links{WebSocketLink(std::move(url), identity)};
  Parts const parts{own->twins, own->pool, own->clock};
  auto impl = std::make_shared<Impl>(std::move(identity), parts, std::move(handler));
  impl->Run(links);
  return std::unique_ptr<Peer>(new Peer(std::move(own), std::move(impl)));
}

bool Peer::WaitConnected(std::chrono::milliseconds limit) {
  return impl_->WaitConnected(limit);
}

CallResult Peer::Call(std::uint32_t twin, std::string_view command, std::string_view payload,
                      std::chrono::seconds life) {
  auto promise = std::make_shared<std::promise<CallResult>>();
  auto future = promise->get_future();
  Question question;
  question.to.twin = twin;
  question.command = command;
  question.payload = payload;
  question.expiration = static_cast<std::uint64_t>(life.count());
  Ask(std::move(question), [promise](CallResult result) { promise->set_value(std::move(result)); });
  return future.get();
}

void Peer::Ask(Question question, std::function<void(CallResult)> done) {
  impl_->Ask(std::move(question), std::move(done));
}

}  // namespace trellis::rmb
