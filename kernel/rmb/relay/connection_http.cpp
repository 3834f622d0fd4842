// The HTTP half of a connection: metrics, messages of other relays, and the way to a session.
#include "kernel/rmb/relay/connection.hpp"

#include <boost/asio/post.hpp>

namespace trellis::rmb {

namespace asio = boost::asio;

namespace {

enum Status : std::uint16_t {
  kOk = 200,
  kBad = 400,
  kUnauthorized = 401,
  kNotFound = 404,
  kTooLarge = 413,
  kUnavailable = 503
};

constexpr char const* kMetricsType = "text/plain; version=0.0.4";

}  // namespace

void Connection::OnHttp(std::string_view bytes) {
  switch (http_->Feed(bytes)) {
    case HttpReader::State::kMore:
      return;
    case HttpReader::State::kContinue:
      return Send("HTTP/1.1 100 Continue\r\n\r\n");
    case HttpReader::State::kDone:
      return HandleRequest();
    case HttpReader::State::kTooBig:
      return Refuse(kTooLarge, "message too large");
    case HttpReader::State::kBad:
      return Refuse(kBad, "bad request");
  }
}

void Connection::HandleRequest() {
  auto request = http_->Take();
  keep_alive_ = request.keep_alive;
  if (request.is_upgrade) return CheckToken(request);
  if (request.is_get && request.target == "/metrics")
    return Answer(kOk, parts().metrics(), kMetricsType);
  if (request.is_post && request.target == "/") return TakeFederated(std::move(request.body));
  Answer(kNotFound, "page not found");
}

void Connection::Answer(unsigned status, std::string_view text, std::string_view type) {
  state_ = keep_alive_ ? State::kAnswering : State::kClosing;
  begun_ = 0;
  last_read_ = hub_.now();
  Send(HttpResponse({status, keep_alive_, hub_.now(), type}, text));
}

void Connection::Refuse(unsigned status, std::string_view text) {
  keep_alive_ = false;
  Answer(status, text);
}

void Connection::TakeFederated(std::string body) {
  state_ = State::kBusy;
  parts().inbound.Take(std::move(body), caller_, [weak = weak_from_this()](HttpAnswer answer) {
    auto const self = weak.lock();
    if (self == nullptr || self->state_ != State::kBusy) return;
    self->Answer(answer.status, answer.text);
  });
}

void Connection::CheckToken(HttpRequest const& request) {
  auto const question = request.target.find('?');
  if (question == std::string::npos || question + 1 == request.target.size())
    return Refuse(kBad, "missing jwt");
  auto token = ParseToken(std::string_view(request.target).substr(question + 1));
  if (!token) return Refuse(kUnauthorized, "invalid jwt: " + token.error().message);
  if (auto const fresh = CheckTokenTime(*token, hub_.now(), parts().options.jwt_leeway_s); !fresh) {
    return Refuse(kUnauthorized, "invalid jwt: " + fresh.error().message);
  }
  state_ = State::kBusy;
  auto const twin = token->claims.sub;
  auto const next = [weak = weak_from_this(), context = std::weak_ptr(parts().io),
                     token = *std::move(token), key = request.key](TwinCache::Found found) {
    auto const io = context.lock();
    if (io == nullptr) return;  // the relay is gone
    asio::post(*io, [weak, token, key, found = std::move(found)] {
      if (auto const self = weak.lock()) self->VerifyToken(token, key, found);
    });
  };
  parts().twins.Fetch(twin, next);
}

void Connection::VerifyToken(Token token, std::string key, TwinCache::Found const& twin) {
  if (state_ != State::kBusy) return;
  if (!twin && twin.error().code == Code::kNotFound)
    return Refuse(kUnauthorized, fmt::format("twin not found {}", token.claims.sub));
  if (!twin) return Refuse(kUnavailable, "failed to get twin: " + twin.error().message);
  auto const size = token.signed_text.size();
  auto const check = [weak = weak_from_this(), context = std::weak_ptr(parts().io),
                      token = std::move(token), key = std::move(key), twin = *twin] {
    bool const good = CheckTokenSignature(token, twin->account).has_value();
    auto const io = context.lock();
    if (io == nullptr) return;
    asio::post(*io, [weak, good, claims = token.claims, key] {
      auto const self = weak.lock();
      if (self == nullptr || self->state_ != State::kBusy) return;
      if (!good) return self->Refuse(kUnauthorized, "invalid jwt: invalid signature");
      self->OpenSession(claims, key);
    });
  };
  if (!parts().pool.Post(caller_, Lane::kNormal, size, check))
    Refuse(kUnavailable, "too many connections are waiting, try again later");
}

void Connection::OpenSession(TokenClaims const& claims, std::string const& key) {
  if (!hub_.Admit(claims.sub)) return Refuse(kUnavailable, "user limit reached");
  session_ = {claims.sub, claims.sid};
  auto early = http_->TakeRest();
  http_.reset();
  state_ = State::kOpen;
  was_session_ = true;
  begun_ = 0;
  last_read_ = hub_.now();
  hub_.SessionOpened(*this, claims.sub);
  Send(UpgradeResponse(key, hub_.now()));
  mailbox_ = &parts().queues.Open(session_, *this);
  parts().delivery.Opened(*mailbox_);
  Wake();
  if (!early.empty()) Consume(early);
  UpdateHeld();
  AwaitRead();
}

}  // namespace trellis::rmb
