#include "kernel/rmb/relay/inbound.hpp"

#include "kernel/rmb/relay/domains.hpp"

#include <boost/asio/post.hpp>

namespace trellis::rmb {
namespace {

enum Status : std::uint16_t {
  kAccepted = 202,
  kBad = 400,
  kForbidden = 403,
  kNotHere = 404,
  kTooMany = 429,
  kTrouble = 500,
  kLater = 503
};

/// The callback of a twin look-up, brought back to the relay's thread.
template <class Function>
TwinCache::Callback OnRelay(std::shared_ptr<boost::asio::io_context> const& io, Function function) {
  return [weak = std::weak_ptr(io), function](TwinCache::Found found) {
    auto const context = weak.lock();
    if (context == nullptr) return;  // the relay is gone
    boost::asio::post(*context, [function, found = std::move(found)] { function(found); });
  };
}

}  // namespace

struct Inbound::Case {
  Letters message;
  EnvelopeView view;  // borrows from `message`
  std::uint64_t caller = 0;
  Answer answer;
};

void Inbound::Take(std::string bytes, std::uint64_t caller, Answer answer) {
  auto message = std::make_shared<Case>();
  message->message = OneLetter(std::move(bytes), 0, 0);
  auto parsed = ViewEnvelope(message->message.front().bytes);
  if (!parsed) return answer({kBad, "bad request: " + parsed.error().message});
  message->view = *std::move(parsed);
  auto const& view = message->view;
  if (!view.source.has_value() || view.source->twin == 0)
    return answer({kForbidden, "message without source"});
  if (!view.destination.has_value() || view.destination->twin == 0)
    return answer({kNotHere, "unknown twin destination"});
  if (!view.signature.has_value() || view.signature->empty())
    return answer({kForbidden, "invalid envelope signature: signature is missing"});
  message->caller = caller;
  message->answer = std::move(answer);
  parts_.twins.Fetch(view.destination->twin,
                     OnRelay(parts_.io, [this, message](TwinCache::Found const& twin) {
                       CheckDestination(message, twin);
                     }));
}

void Inbound::CheckDestination(CasePtr const& message, TwinCache::Found const& twin) {
  bool const known = twin.has_value();
  if (!known && twin.error().code != Code::kNotFound)
    return message->answer({kLater, "failed to get twin, try again later"});
  if (!known || !(*twin)->relay.has_value() ||
      !NamesOneOf(*(*twin)->relay, parts_.router.domains()))
    return message->answer({kNotHere, "unknown twin destination"});
  parts_.twins.Fetch(message->view.source->twin,
                     OnRelay(parts_.io, [this, message](TwinCache::Found const& source) {
                       CheckSource(message, source);
                     }));
}

void Inbound::CheckSource(CasePtr const& message, TwinCache::Found const& twin) {
  auto const id = message->view.source->twin;
  if (!twin && twin.error().code != Code::kNotFound)
    return message->answer({kLater, "failed to get twin, try again later"});
  if (!twin) return message->answer({kForbidden, fmt::format("unknown twin id '{}'", id)});
  auto const check = [this, message, key = (*twin)->account, weak = std::weak_ptr(parts_.io)] {
    bool const good = CheckSignature(message->view, key).has_value();
    auto const context = weak.lock();
    if (context == nullptr) return;
    boost::asio::post(*context, [this, message, good] { Deliver(message, good); });
  };
  auto const size = message->message.front().bytes.size();
  if (!parts_.pool.Post(message->caller, Lane::kNormal, size, check))
    message->answer({kLater, "too many messages are waiting, try again later"});
}

void Inbound::Deliver(CasePtr const& message, bool signature_is_good) {
  if (!signature_is_good)
    return message->answer({kForbidden, "invalid envelope signature: signature does not match"});
  auto const& view = message->view;
  // Not before: anybody could use up the window of a twin that is only named.
  auto const size = message->message.front().bytes.size();
  if (!parts_.limit.Admit(view.source->twin, size, parts_.clock.UnixSeconds()))
    return message->answer({kTooMany, "exceeded rate limits, dropping message"});
  message->message.front().expires = ExpiryOf(view);
  message->message.front().source = view.source->twin;
  auto const destination = view.destination->ToAddress();
  auto const done = [message](Pushed pushed) {
    if (pushed == Pushed::kQueued) message->answer({kAccepted, ""});
    if (pushed == Pushed::kOffline) message->answer({kNotHere, "destination offline"});
    if (pushed == Pushed::kFailed) message->answer({kTrouble, "cannot store the message"});
  };
  parts_.delivery.Push({destination.twin, destination.connection}, std::move(message->message),
                       {WantsFailFast(view)}, done);
}

}  // namespace trellis::rmb
