#include "kernel/rmb/inbox.hpp"

#include "kernel/crypto/e2e.hpp"

#include <algorithm>

namespace trellis::rmb {
namespace {

constexpr std::uint64_t kDefaultLife = 300;
constexpr std::uint64_t kMaxLife = 1800;
constexpr std::uint64_t kMaxAhead = 300;  // a sender's clock may be this far ahead
constexpr std::size_t kMaxSeen = 100000;
constexpr std::size_t kMaxSeenOfTwin = 1000;
constexpr char const* kSchema = "application/json";

enum ErrorCode : std::uint32_t {
  kExpired = 102,
  kUnknownTwin = 103,
  kBadSignature = 104,
  kNoKey = 105,
  kE2e = 106,
  kInvalidSchema = 400
};

bool IsJsonSchema(std::optional<std::string> const& schema) {
  if (!schema.has_value() || schema->empty()) return true;
  return std::string_view(*schema).substr(0, schema->find(';')) == kSchema;
}

}  // namespace

Stamp MakeStamp(std::uint64_t now, std::uint64_t timestamp, std::uint64_t expiration) {
  if (expiration == 0) expiration = kDefaultLife;
  expiration = std::min(expiration, kMaxLife);
  if (timestamp != 0 && timestamp < now) expiration -= std::min(expiration, now - timestamp);
  return {now, expiration};
}

std::optional<std::uint64_t> TimeToLive(std::uint64_t now, std::uint64_t timestamp,
                                        std::uint64_t expiration) {
  if (timestamp > now + kMaxAhead) return std::nullopt;
  auto const end = timestamp + std::min(expiration, kMaxLife + kMaxAhead);
  if (end <= now) return std::nullopt;
  return end - now;
}

Received Inbox::Receive(std::string_view bytes, std::uint64_t now) {
  auto parsed = ParseEnvelope(bytes);
  if (!parsed) return {};
  auto envelope = *std::move(parsed);
  if (!envelope.source.has_value() || envelope.source->twin == 0) return ReceiveUnsigned(envelope);
  if (std::holds_alternative<Pong>(envelope.message) ||
      std::holds_alternative<Ping>(envelope.message))
    return {};
  bool const ours = envelope.destination.has_value() &&
                    *envelope.destination == Address{identity_.twin, identity_.session};
  if (!ours) return {};
  if (!TimeToLive(now, envelope.timestamp, envelope.expiration))
    return Refuse(envelope, kExpired, "envelope validation error: message has expired", now);
  SeenKey const key{envelope.source->twin, envelope.uid};
  bool const request = std::holds_alternative<Request>(envelope.message);
  auto const sender = twins_.Twin(envelope.source->twin);
  if (!sender)
    return Refuse(envelope, kUnknownTwin,
                  fmt::format("unknown twin id '{}'", envelope.source->twin), now);
  if (auto const good = CheckSignature(envelope, sender->account); !good) {
    return Refuse(envelope, kBadSignature, "invalid envelope signature: " + good.error().message,
                  now);
  }
  if (auto const seen = seen_.find(key);
      request && seen != seen_.end() && seen->second.until > now) {
    if (seen->second.answer.empty()) return {};
    return seen->second.answer;
  }
  return Accept(std::move(envelope), *sender, now);
}

Received Inbox::ReceiveUnsigned(Envelope const& envelope) {
  // Only a relay's report about something we sent comes without a source.
  auto const* report = std::get_if<ErrorReport>(&envelope.message);
  if (report == nullptr) return {};
  return IncomingAnswer{0, envelope.uid, *report, {}};
}

Received Inbox::Refuse(Envelope const& envelope, std::uint32_t code, std::string text,
                       std::uint64_t now) {
  if (!std::holds_alternative<Request>(envelope.message)) return {};
  auto const left = TimeToLive(now, envelope.timestamp, envelope.expiration);
  return MakeError(*envelope.source, envelope.uid, left ? envelope.expiration : kDefaultLife,
                   ErrorReport{code, std::move(text)}, now);
}

Received Inbox::Accept(Envelope envelope, TwinInfo const& sender, std::uint64_t now) {
  std::string payload;
  if (std::holds_alternative<Cipher>(envelope.payload)) {
    if (!sender.pk.has_value())
      return Refuse(envelope, kNoKey, "sender twin has no public key", now);
    auto plain = Decrypt(envelope, sender);
    if (!plain) return Refuse(envelope, kE2e, "e2e error: " + plain.error().message, now);
    payload = *std::move(plain);
  } else {
    payload = envelope.payload_bytes();
  }
  if (auto const* request = std::get_if<Request>(&envelope.message); request != nullptr) {
    Note({envelope.source->twin, envelope.uid}, envelope, now);
    if (!IsJsonSchema(envelope.schema))
      return Refuse(envelope, kInvalidSchema, "invalid schema, expecting 'application/json'", now);
    return IncomingRequest{*envelope.source, envelope.uid, request->command, std::move(payload),
                           envelope.expiration};
  }
  if (auto const* error = std::get_if<ErrorReport>(&envelope.message); error != nullptr)
    return IncomingAnswer{sender.id, envelope.uid, *error, {}};
  if (std::holds_alternative<Response>(envelope.message))
    return IncomingAnswer{sender.id, envelope.uid, std::nullopt, std::move(payload)};
  return {};
}

void Inbox::Note(SeenKey key, Envelope const& envelope, std::uint64_t now) {
  auto const forget = [this](auto entry) {
    auto const twin = seen_of_twin_.find(entry->first.first);
    if (twin != seen_of_twin_.end() && --twin->second == 0) seen_of_twin_.erase(twin);
    return seen_.erase(entry);
  };
  // Full: what has expired goes; if that is not enough, the twin's own first entry.
  if (seen_.size() >= kMaxSeen || seen_of_twin_[key.first] >= kMaxSeenOfTwin) {
    for (auto it = seen_.begin(); it != seen_.end();)
      it = it->second.until <= now ? forget(it) : std::next(it);
    if (seen_of_twin_[key.first] >= kMaxSeenOfTwin) forget(seen_.lower_bound({key.first, ""}));
    if (seen_.size() >= kMaxSeen) forget(seen_.begin());
  }
  ++seen_of_twin_[key.first];
  auto const life = std::min(envelope.expiration, kMaxLife);
  seen_.insert_or_assign(std::move(key),
                         Seen{std::min(envelope.timestamp, now + kMaxAhead) + life, {}});
}

Result<std::string> Inbox::Decrypt(Envelope const& envelope, TwinInfo const& sender) {
  if (!identity_.seed.has_value())
    return Fail(Code::kUnsupported, "this peer has no encryption key");
  TRELLIS_TRY(auto const key, crypto::Agree(identity_.seed->view(), *sender.pk));
  TRELLIS_TRY(auto const plain, crypto::Open(key, crypto::AsBytes(envelope.payload_bytes())));
  return std::string(crypto::AsText(plain));
}

Payload Inbox::Encrypt(std::uint32_t to, std::string_view plain) {
  // The receiver decrypts with our published key, so ours must be published too.
  auto const own = twins_.Twin(identity_.twin);
  auto const peer = twins_.Twin(to);
  bool const both = own && peer && own->pk.has_value() && peer->pk.has_value() &&
                    identity_.seed.has_value() && !plain.empty();
  if (!both) return Plain{std::string(plain)};
  auto const key = crypto::Agree(identity_.seed->view(), *peer->pk);
  auto const box = key ? crypto::Seal(*key, crypto::AsBytes(plain))
                       : Result<crypto::Bytes>(tl::unexpected<Error>(key.error()));
  if (!box)
    return Plain{std::string(plain)};  // a published key that is no key: the twin's own fault
  return Cipher{std::string(crypto::AsText(*box))};
}

std::string Inbox::Finish(Envelope envelope) {
  envelope.source = Address{identity_.twin, identity_.session};
  envelope.schema = kSchema;
  envelope.relays = identity_.relays;
  SignEnvelope(envelope, identity_.signer);
  return SerializeEnvelope(envelope);
}

Result<std::string> Inbox::MakeRequest(std::uint32_t to, std::string uid, std::string command,
                                       std::string_view payload, std::uint64_t life_s,
                                       std::uint64_t now) {
  TRELLIS_CHECK(twins_.Twin(to));
  auto const stamp = MakeStamp(now, now, life_s);
  Envelope envelope;
  envelope.uid = std::move(uid);
  envelope.timestamp = stamp.timestamp;
  envelope.expiration = stamp.expiration;
  envelope.destination = Address{to, std::nullopt};
  envelope.message = Request{std::move(command)};
  envelope.payload = Encrypt(to, payload);
  return Finish(std::move(envelope));
}

std::string Inbox::MakeResponse(IncomingRequest const& request, std::string_view payload,
                                std::uint64_t now) {
  Envelope envelope;
  envelope.uid = request.uid;
  envelope.timestamp = now;
  envelope.expiration = kDefaultLife;
  envelope.destination = request.source;
  envelope.message = Response{};
  envelope.payload = Encrypt(request.source.twin, payload.empty() ? "null" : payload);
  auto bytes = Finish(std::move(envelope));
  Remember(request, bytes);
  return bytes;
}

std::string Inbox::MakeError(Address const& to, std::string const& uid, std::uint64_t life_s,
                             ErrorReport error, std::uint64_t now) {
  Envelope envelope;
  envelope.uid = uid;
  envelope.timestamp = now;
  envelope.expiration = std::clamp<std::uint64_t>(life_s, 1, kMaxLife);
  envelope.destination = to;
  envelope.message = std::move(error);
  return Finish(std::move(envelope));
}

void Inbox::Remember(IncomingRequest const& request, std::string const& answer) {
  constexpr std::size_t kMaxAnswer =
      65536;  // larger ones are made anew: the caller asks again with a new uid
  auto const found = seen_.find({request.source.twin, request.uid});
  if (found != seen_.end() && answer.size() <= kMaxAnswer) found->second.answer = answer;
}

}  // namespace trellis::rmb
