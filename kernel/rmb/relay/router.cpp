#include "kernel/rmb/relay/router.hpp"

#include "kernel/rmb/relay/domains.hpp"

#include <algorithm>
#include <limits>

namespace trellis::rmb {
namespace {

constexpr std::int64_t kReportLife = 300;
constexpr char const* kPongPayload = "hello world";
constexpr char const* kFailFast = "fail-fast";

/// Is `token` one of the words of `tags`?
bool HasTag(std::string_view tags, std::string_view token) {
  std::size_t at = 0;
  while ((at = tags.find_first_not_of(", \t\r\n\v\f", at)) != std::string_view::npos) {
    auto const end = std::min(tags.find_first_of(", \t\r\n\v\f", at), tags.size());
    if (tags.substr(at, end - at) == token) return true;
    at = end;
  }
  return false;
}

bool IsConnected(Queues& queues, AddressView const& session) {
  auto const* mailbox = queues.Find(session);
  return mailbox != nullptr && mailbox->reader != nullptr;
}

}  // namespace

std::int64_t ExpiryOf(EnvelopeView const& envelope) {
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  auto const sum = envelope.timestamp + envelope.expiration;
  return static_cast<std::int64_t>(sum < envelope.timestamp || sum > kMax ? kMax : sum);
}

bool WantsFailFast(EnvelopeView const& envelope) {
  return envelope.tags.has_value() && HasTag(*envelope.tags, kFailFast);
}

Letters OneLetter(std::string bytes, std::int64_t expires, std::uint32_t source) {
  Letters out;
  out.push_back({std::move(bytes), expires, source, {}});
  return out;
}

Router::Routed Router::Route(Address const& from, Letters& message, std::int64_t now,
                             Retry const& retry) {
  auto const parsed = ViewEnvelope(message.front().bytes);
  if (!parsed) return {Step::kMalformed, 0};
  auto const& envelope = *parsed;
  bool const again = retry.twin.has_value();
  if (!again && !parts_.limit.Admit(from.twin, message.front().bytes.size(), now)) {
    ReportAbout(from, envelope, "exceeded rate limits, dropping message", now);
    return {};
  }
  if (!envelope.source.has_value() || !(*envelope.source == from)) {
    ReportAbout(from, envelope, "message wrong source", now);
    return {};
  }
  if (envelope.kind == Kind::kPing) {
    AnswerPing(from, envelope, now);
    return {};
  }
  if (!envelope.destination.has_value() || envelope.destination->twin == 0) {
    ReportAbout(from, envelope, "message with missing destination", now);
    return {};
  }
  return Deliver(from, envelope, message, now, retry);
}

Router::Routed Router::Deliver(Address const& from, EnvelopeView const& envelope, Letters& message,
                               std::int64_t now, Retry const& retry) {
  auto const to = *envelope.destination;
  if (IsConnected(parts_.queues, to)) {
    Push(from, envelope, message, now);
    return {};
  }
  auto const found = retry.twin.has_value() ? retry.twin : parts_.twins.Peek(to.twin);
  if (!found.has_value()) return {Step::kLookUp, to.twin};
  if (!found->has_value()) {
    bool const unknown = found->error().code == Code::kNotFound;
    ReportAbout(
        from, envelope,
        unknown ? "unknown twin destination" : "failed to look up the destination, try again later",
        now);
    return {};
  }
  TwinInfo const& twin = ***found;
  if (!twin.relay.has_value() || twin.relay->empty()) {
    ReportAbout(from, envelope, "relay info is not set for this twin", now);
  } else if (!NamesOneOf(*twin.relay, domains_)) {
    Federate(from, twin, envelope, message, now);
  } else {
    Push(from, envelope, message, now);
  }
  return {};
}

void Router::Push(Address const& from, EnvelopeView const& envelope, Letters& message,
                  std::int64_t now) {
  bool const fail_fast = WantsFailFast(envelope);
  Delivery::Done done;
  if (envelope.kind == Kind::kRequest && (fail_fast || parts_.delivery.can_fail())) {
    done = [this, from, uid = std::string(envelope.uid), now](Pushed pushed) {
      if (pushed == Pushed::kOffline) Report(from, uid, "destination offline", now);
      if (pushed == Pushed::kFailed)
        Report(from, uid, "the relay cannot store messages, try again later", now);
    };
  }
  message.front().expires = ExpiryOf(envelope);
  message.front().source = from.twin;
  parts_.delivery.Push(*envelope.destination, std::move(message), {fail_fast}, std::move(done));
}

void Router::Federate(Address const& from, TwinInfo const& to, EnvelopeView const& envelope,
                      Letters& message, std::int64_t now) {
  OutboundMessage outbound;
  outbound.domains = DomainsOf(*to.relay);
  outbound.expires = ExpiryOf(envelope);
  outbound.sender = from;
  outbound.uid = envelope.uid;
  outbound.is_request = envelope.kind == Kind::kRequest;
  if (outbound.domains.empty())
    return ReportAbout(from, envelope, "relay info of this twin names no relay", now);
  auto const uid = outbound.uid;
  bool const is_request = outbound.is_request;
  outbound.bytes = std::move(message.front().bytes);
  auto const sent = parts_.outbound.Send(std::move(outbound));
  if (!sent && is_request) Report(from, uid, sent.error().message, now);
}

void Router::ReportAbout(Address const& to, EnvelopeView const& about, std::string text,
                         std::int64_t now) {
  if (about.kind == Kind::kRequest) Report(to, about.uid, std::move(text), now);
}

void Router::Report(Address const& to, std::string_view uid, std::string text, std::int64_t now) {
  Envelope report;
  report.uid = uid;
  report.timestamp = static_cast<std::uint64_t>(now);
  report.expiration = static_cast<std::uint64_t>(kReportLife);
  report.destination = to;
  report.message = ErrorReport{0, std::move(text)};
  parts_.queues.Push({to.twin, to.connection},
                     OneLetter(SerializeEnvelope(report), now + kReportLife, 0), now);
}

void Router::AnswerPing(Address const& from, EnvelopeView const& ping, std::int64_t now) {
  auto pong = ToEnvelope(ping);
  pong.message = Pong{};
  std::swap(pong.source, pong.destination);
  pong.payload = Plain{kPongPayload};
  // It lives from now on, whatever the ping's own clock said.
  parts_.queues.Push({from.twin, from.connection},
                     OneLetter(SerializeEnvelope(pong), now + kReportLife, 0), now);
}

}  // namespace trellis::rmb
