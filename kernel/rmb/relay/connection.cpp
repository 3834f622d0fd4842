#include "kernel/rmb/relay/connection.hpp"

#include <boost/asio.hpp>

#include <algorithm>
#include <functional>

namespace trellis::rmb {

using boost::asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::int64_t kRequestTime = 30;   // seconds until a connection must have shown a request
constexpr std::int64_t kKeepAlive = 600;    // of an idle connection of another relay
constexpr std::int64_t kSilence = 120;      // of a session; peers ping every 20 s
constexpr std::int64_t kMessageTime = 120;  // for one message or request to arrive
constexpr std::int64_t kSlowReader = 60;
constexpr std::int64_t kGoodbye = 5;
constexpr int kReadsAtOnce = 4;  // then it is the others' turn

std::uint64_t CallerOf(tcp::socket const& socket) {
  error_code gone;
  auto const endpoint = socket.remote_endpoint(gone);
  constexpr std::uint64_t kNotATwin = std::uint64_t{1} << 63U;
  return kNotATwin | std::hash<std::string>()(gone ? "" : endpoint.address().to_string());
}

}  // namespace

void Connection::Start(std::unique_ptr<Transport> transport, Hub& hub) {
  auto const connection = std::make_shared<Connection>(std::move(transport), hub);
  connection->self_ = connection;
  hub.Add(*connection);
  connection->AwaitRead();
}

Connection::Connection(std::unique_ptr<Transport> transport, Hub& hub)
    : hub_(hub),
      transport_(std::move(transport)),
      http_(std::make_unique<HttpReader>(hub.parts().options.max_message)),
      decoder_(hub.parts().options.max_message),
      caller_(CallerOf(transport_->socket())),
      last_read_(hub.now()) {}

Connection::~Connection() = default;

bool Connection::reads() const {
  bool const wants = state_ == State::kHttp || state_ == State::kOpen || state_ == State::kDraining;
  return wants && !looking_up_;
}

void Connection::AwaitRead() {
  if (!reads() || reading_) return;
  reading_ = true;
  transport_->socket().async_wait(tcp::socket::wait_read,
                                  [self = shared_from_this()](error_code error) {
                                    self->reading_ = false;
                                    if (error) return self->Abandon();
                                    self->OnReadable();
                                  });
}

void Connection::OnReadable() {
  auto& scratch = hub_.scratch();
  for (int i = 0; i < kReadsAtOnce && reads(); ++i) {
    auto const read = transport_->Read(scratch);
    if (read.state == Transfer::State::kClosed) return Abandon();
    if (read.state == Transfer::State::kWouldBlock) break;
    if (state_ != State::kDraining) last_read_ = hub_.now();
    Consume({scratch.data(), read.bytes});
    if (read.bytes < scratch.size()) break;
  }
  if (transport_->HasPending()) AwaitWrite();
  AwaitRead();
}

void Connection::Consume(std::span<char> bytes) {
  if (state_ == State::kHttp) {
    OnHttp({bytes.data(), bytes.size()});
  } else if (state_ == State::kOpen) {
    if (auto const wrong = decoder_.Feed(bytes, *this); wrong.has_value()) Close(*wrong);
  }
  UpdateHeld();
}

void Connection::UpdateHeld() {
  if (state_ == State::kGone) return;
  bool const incomplete = http_ != nullptr ? http_->started() : decoder_.in_message();
  if (!incomplete) begun_ = 0;
  if (incomplete && begun_ == 0) begun_ = last_read_;
  auto const held = http_ != nullptr ? http_->held_bytes() : decoder_.held_bytes();
  if (held == held_) return;
  auto const before = std::exchange(held_, held);
  hub_.Hold(before, held);
}

bool Connection::OnMessage(std::string bytes) {
  waiting_.push_back({std::move(bytes), 0, 0, {}});
  if (!looking_up_) RouteWaiting();
  return state_ == State::kOpen;
}

void Connection::RouteWaiting() {
  while (!waiting_.empty() && state_ == State::kOpen) {
    Letters one;
    one.splice(one.end(), waiting_, waiting_.begin());
    auto const routed = parts().router.Route(session_, one, hub_.now());
    if (routed.step == Router::Step::kMalformed) return Close(CloseCode::kBadPayload);
    if (routed.step == Router::Step::kDone) continue;
    waiting_.splice(waiting_.begin(), one);
    looking_up_ = true;  // and nothing is read meanwhile: the order of messages stays
    parts().twins.Fetch(routed.twin, [weak = weak_from_this(),
                                      context = std::weak_ptr(parts().io)](TwinCache::Found found) {
      auto const io = context.lock();
      if (io == nullptr) return;  // the relay is gone
      boost::asio::post(*io, [weak, found = std::move(found)] {
        if (auto const self = weak.lock()) self->OnTwin(found);
      });
    });
    return;
  }
}

void Connection::OnTwin(TwinCache::Found const& twin) {
  looking_up_ = false;
  if (state_ != State::kOpen || waiting_.empty()) return;
  Letters one;
  one.splice(one.end(), waiting_, waiting_.begin());
  (void)parts().router.Route(session_, one, hub_.now(), {twin});  // parsed before: cannot fail
  RouteWaiting();
  AwaitRead();
}

bool Connection::OnPing(std::string_view payload) {
  // A flood of pings that reads no pongs holds no memory: not every ping needs an answer.
  constexpr std::size_t kMost = 4096;
  if (out_.size() - out_sent_ < kMost) Send(ControlFrame(Opcode::kPong, payload));
  return true;
}

bool Connection::OnClose() {
  Close(CloseCode::kNormal);
  return false;
}

void Connection::Lost(Loss loss) {
  auto& counters = parts().counters;
  ++(loss == Loss::kReplaced ? counters.evicted_cancelled : counters.evicted_slow);
  bool const clean = mailbox_->front_sent == 0 && loss == Loss::kReplaced;
  mailbox_ = nullptr;
  hub_.SessionClosed(session_.twin);
  boost::asio::post(*parts().io, [self = shared_from_this(), clean] {
    self->hub_.TellUnread(self->session_);
    if (clean) return self->Close(CloseCode::kPolicy);
    self->Abandon();
  });
}

/// The mailbox goes back to the queues.
void Connection::LeaveSession() {
  auto* const mailbox = std::exchange(mailbox_, nullptr);
  if (mailbox == nullptr) return;
  ++parts().counters.evicted_closed;
  hub_.SessionClosed(session_.twin);
  parts().queues.Close(*mailbox);
  parts().delivery.Closed(session_);
}

void Connection::Close(CloseCode code) {
  if (state_ != State::kOpen) return;
  if (mailbox_ != nullptr && mailbox_->front_sent > 0)
    return Abandon();  // in the middle of a frame
  LeaveSession();
  state_ = State::kClosing;
  waiting_.clear();
  last_read_ = hub_.now();
  Send(CloseFrame(code));
}

void Connection::Abandon() {
  if (state_ == State::kGone) return;
  auto const self = std::exchange(self_, nullptr);  // lives until the end of this function
  LeaveSession();
  if (!was_session_) hub_.StrangerLeft();
  state_ = State::kGone;
  auto const held = std::exchange(held_, 0);
  hub_.Hold(held, 0);
  static_cast<Tracked&>(*this).unlink();
  waiting_.clear();
  error_code ignored;  // it is over either way
  transport_->socket().close(ignored);
}

void Connection::CheckTime(std::int64_t now) {
  auto const silent = now - last_read_;
  if (stalled_since_ != 0 && now - stalled_since_ > kSlowReader) {
    if (mailbox_ != nullptr) ++parts().counters.evicted_slow;
    return Abandon();
  }
  if (begun_ != 0 && now - begun_ > (was_session_ ? kMessageTime : kRequestTime)) return Abandon();
  switch (state_) {
    case State::kHttp:
      if (silent > (keep_alive_ ? kKeepAlive : kRequestTime)) Abandon();
      return;
    case State::kOpen:
      if (silent > kSilence) Abandon();
      return;
    case State::kClosing:
    case State::kDraining:
      if (silent > kGoodbye) Abandon();
      return;
    case State::kAnswering:  // a slow reader, if anything
    case State::kBusy:
    case State::kGone:
      return;
  }
}

}  // namespace trellis::rmb
