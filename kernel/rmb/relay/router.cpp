#include "kernel/rmb/relay/router.hpp"

#include "kernel/rmb/relay/domains.hpp"

#include <limits>

namespace trellis::rmb {
namespace {

constexpr std::int64_t kWindowSeconds = 60;
constexpr std::uint64_t kReportLife = 300;
constexpr char const* kPongPayload = "hello world";

/// When the envelope's life ends, saturating.
std::int64_t ExpiryOf(Envelope const& envelope) {
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  auto const sum = envelope.timestamp + envelope.expiration;
  return static_cast<std::int64_t>(sum < envelope.timestamp || sum > kMax ? kMax : sum);
}

/// Is `token` one of the words of `tags`?
bool HasTag(std::string_view tags, std::string_view token) {
  std::size_t at = 0;
  while ((at = tags.find_first_not_of(", \t\r\n", at)) != std::string_view::npos) {
    auto const end = std::min(tags.find_first_of(", \t\r\n", at), tags.size());
    if (tags.substr(at, end - at) == token) return true;
    at = end;
  }
  return false;
}

}  // namespace

bool MessageRouter::WithinLimit(std::uint32_t twin, std::size_t size, std::int64_t now) {
  if (!options_.limit.has_value()) return true;
  if (size > options_.limit->bytes) return false;
  auto& window = windows_[twin];
  if (window.number != now / kWindowSeconds) window = {now / kWindowSeconds, 0, 0};
  ++window.messages;
  window.bytes += size;
  return window.messages <= options_.limit->messages && window.bytes <= options_.limit->bytes;
}

void MessageRouter::Push(Address const& session, std::string bytes, Envelope const& envelope,
                         std::int64_t now) {
  ++counters_.rx;
  counters_.rx_bytes += bytes.size();
  queues_.Push(
      session,
      std::make_shared<QueuedMessage const>(QueuedMessage{std::move(bytes), ExpiryOf(envelope)}),
      now);
  sessions_.wake(session);
}

void MessageRouter::Report(Address const& to, Envelope const& about, std::string text,
                           std::int64_t now) {
  if (!std::holds_alternative<Request>(about.message)) return;
  Envelope report;
  report.uid = about.uid;
  report.timestamp = static_cast<std::uint64_t>(now);
  report.expiration = kReportLife;
  report.destination = to;
  report.message = ErrorReport{0, std::move(text)};
  Push(to, SerializeEnvelope(report), report, now);
}

void MessageRouter::AnswerPing(Address const& from, Envelope envelope, std::int64_t now) {
  envelope.message = Pong{};
  std::swap(envelope.source, envelope.destination);
  envelope.payload = Plain{kPongPayload};
  Envelope life;  // the answer goes out now, whatever the ping's own clock said
  life.timestamp = static_cast<std::uint64_t>(now);
  life.expiration = kReportLife;
  Push(from, SerializeEnvelope(envelope), life, now);
}

Result<void> MessageRouter::Route(Address const& from, std::string bytes, std::int64_t now) {
  TRELLIS_TRY(auto envelope, ParseEnvelope(bytes));
  auto const report = [&](std::string text) {
    Report(from, envelope, std::move(text), now);
    return Result<void>();
  };
  if (!WithinLimit(from.twin, bytes.size(), now))
    return report("exceeded rate limits, dropping message");
  if (envelope.source != from) return report("message wrong source");
  if (std::holds_alternative<Ping>(envelope.message)) {
    AnswerPing(from, std::move(envelope), now);
    return {};
  }
  if (!envelope.destination.has_value() || envelope.destination->twin == 0)
    return report("message with missing destination");
  auto const to = *envelope.destination;
  if (!sessions_.connected(to)) {
    auto const twin = twins_.Twin(to.twin);
    if (!twin && twin.error().code != Code::kNotFound)
      return report("failed to look up the destination, try again later");
    if (!twin) return report("unknown twin destination");
    if (!twin->relay.has_value() || twin->relay->empty())
      return report("relay info is not set for this twin");
    if (!NamesOneOf(*twin->relay, domains_))
      return report(
          fmt::format("the destination is on another relay '{}', which this relay does not reach",
                      *twin->relay));
    if (HasTag(envelope.tags.value_or(""), "fail-fast")) return report("destination offline");
  }
  Push(to, std::move(bytes), envelope, now);
  return {};
}

}  // namespace trellis::rmb
