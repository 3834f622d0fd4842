#include "kernel/rmb/inbox.hpp"

#include <algorithm>

namespace trellis::rmb {
namespace {

constexpr std::uint64_t kDefaultLife = 300;
constexpr std::uint64_t kMaxLife = 1800;
constexpr std::uint64_t kMaxAhead = 300;  // a sender's clock may be this far ahead
constexpr std::size_t kMaxKeys = 4096;    // agreed keys that are kept
constexpr char const* kSchema = "application/json";

bool IsJsonSchema(std::optional<std::string_view> const& schema) {
  if (!schema.has_value() || schema->empty()) return true;
  auto type = schema->substr(0, schema->find(';'));
  while (type.ends_with(' '))
    type.remove_suffix(1);
  return type == kSchema;
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
  if (timestamp > now && timestamp - now > kMaxAhead) return std::nullopt;
  auto const end = timestamp + expiration;
  if (end < timestamp) return UINT64_MAX - now;
  if (end <= now) return std::nullopt;
  return end - now;
}

IncomingPtr Inbox::Open(std::string bytes) const {
  auto message = std::make_shared<Incoming>();
  message->bytes = std::move(bytes);
  auto parsed = ViewEnvelope(message->bytes);
  if (!parsed) return nullptr;
  message->view = *std::move(parsed);
  auto const& view = message->view;
  // A relay cannot redirect what was signed for somebody else.
  bool const ours = view.destination.has_value() &&
                    *view.destination == Address{identity_.twin, identity_.session};
  if (!ours) return nullptr;
  switch (view.kind) {
    case Kind::kError:
      return message;
    case Kind::kRequest:
    case Kind::kResponse:
      // Without a source there is nobody whose signature could be checked.
      return view.source.has_value() && view.source->twin != 0 ? message : nullptr;
    case Kind::kNone:
    case Kind::kPing:
    case Kind::kPong:
      return nullptr;
  }
  return nullptr;
}

std::optional<IncomingAnswer> Inbox::AsReport(Incoming const& message) {
  auto const& view = message.view;
  bool const report =
      view.kind == Kind::kError && (!view.source.has_value() || view.source->twin == 0);
  if (!report) return std::nullopt;
  return IncomingAnswer{
      0, std::string(view.uid), ErrorReport{view.error_code, std::string(view.text)}, {}};
}

Received Inbox::Judge(Incoming const& message, TwinCache::Found const& sender, std::uint64_t now) {
  auto const& view = message.view;
  if (!TimeToLive(now, view.timestamp, view.expiration))
    return Refusal{kErrorExpired, "envelope validation error: message has expired"};
  if (!sender && sender.error().code == Code::kNotFound)
    return Refusal{kErrorUnknownTwin, fmt::format("unknown twin id '{}'", view.source->twin)};
  if (!sender) return {};  // the ledger is away: the sender asks again
  if (auto const good = CheckSignature(view, (*sender)->account, &signers_); !good)
    return Refusal{kErrorBadSignature, "invalid envelope signature: " + good.error().message};
  return Accept(message, *sender, now);
}

Received Inbox::Accept(Incoming const& message, TwinPtr const& sender, std::uint64_t now) {
  auto const& view = message.view;
  std::string payload(view.payload);
  bool const encrypted = view.payload_kind == PayloadKind::kCipher;
  if (encrypted) {
    if (!sender->pk.has_value()) return Refusal{kErrorNoKey, "sender twin has no public key"};
    auto plain = Decrypt(view, *sender);
    if (!plain) return Refusal{kErrorE2e, "e2e error: " + plain.error().message};
    payload = *std::move(plain);
  }
  if (view.kind == Kind::kError)
    return IncomingAnswer{sender->id,
                          std::string(view.uid),
                          ErrorReport{view.error_code, std::string(view.text)},
                          {}};
  if (view.kind == Kind::kResponse)
    return IncomingAnswer{sender->id, std::string(view.uid), std::nullopt, std::move(payload)};
  auto const until =
      std::min(view.timestamp, now + kMaxAhead) + std::min(view.expiration, kMaxLife);
  auto seen = replay_.Enter(sender->id, view.uid, until, now);
  if (!seen.fresh && seen.answer != nullptr) return std::move(seen.answer);
  if (!seen.fresh) return {};
  if (!IsJsonSchema(view.schema))
    return Refusal{kErrorInvalidSchema, "invalid schema, expecting 'application/json'"};
  IncomingRequest request{view.source->ToAddress(),
                          std::string(view.uid),
                          std::string(view.text),
                          std::move(payload),
                          view.timestamp,
                          view.expiration,
                          std::nullopt,
                          sender,
                          encrypted};
  if (view.tags.has_value()) request.tags.emplace(*view.tags);
  return request;
}

Result<crypto::SharedKey> Inbox::KeyWith(TwinInfo const& twin) {
  if (!identity_.seed.has_value())
    return Fail(Code::kUnsupported, "this peer has no encryption key");
  {
    std::lock_guard const lock(mutex_);
    auto const found = keys_.find(twin.id);
    if (found != keys_.end() && found->second.pk == *twin.pk) return found->second.key;
  }
  TRELLIS_TRY(auto const key, crypto::Agree(identity_.seed->view(), *twin.pk));
  std::lock_guard const lock(mutex_);
  if (keys_.size() >= kMaxKeys) keys_.clear();
  keys_[twin.id] = {*twin.pk, key};
  return key;
}

Result<std::string> Inbox::Decrypt(EnvelopeView const& envelope, TwinInfo const& sender) {
  TRELLIS_TRY(auto const key, KeyWith(sender));
  TRELLIS_TRY(auto const plain, crypto::Open(key, crypto::AsBytes(envelope.payload)));
  return std::string(crypto::AsText(plain));
}

Result<Payload> Inbox::Encrypt(TwinInfo const& to, std::string_view plain) {
  TRELLIS_TRY(auto const key, KeyWith(to));
  TRELLIS_TRY(auto const box, crypto::Seal(key, crypto::AsBytes(plain)));
  return Payload(Cipher{std::string(crypto::AsText(box))});
}

std::string Inbox::Finish(Envelope envelope) const {
  envelope.source = Address{identity_.twin, identity_.session};
  envelope.schema = kSchema;
  envelope.relays = identity_.relays;
  SignEnvelope(envelope, identity_.signer);
  return SerializeEnvelope(envelope);
}

Result<std::string> Inbox::MakeRequest(Outgoing request, TwinInfo const& to,
                                       bool own_key_is_published) {
  Envelope envelope;
  envelope.uid = std::move(request.uid);
  envelope.tags = std::move(request.tags);
  envelope.timestamp = request.stamp.timestamp;
  envelope.expiration = request.stamp.expiration;
  envelope.destination = std::move(request.to);
  envelope.message = Request{std::move(request.command)};
  // The receiver decrypts with our published key, so ours must be published too.
  bool const encrypt = own_key_is_published && identity_.seed.has_value() && to.pk.has_value() &&
                       !request.payload.empty();
  envelope.payload = Plain{encrypt ? std::string() : std::string(request.payload)};
  if (encrypt) {
    TRELLIS_TRY(envelope.payload, Encrypt(to, request.payload));
  }
  return Finish(std::move(envelope));
}

std::string Inbox::MakeResponse(IncomingRequest const& request, std::string payload,
                                bool own_key_is_published, std::uint64_t now) {
  if (payload.empty()) payload = "null";  // clients never recognise an empty answer
  auto const& sender = *request.sender;
  bool const can = own_key_is_published && identity_.seed.has_value() && sender.pk.has_value();
  Payload body;
  if (request.encrypted || can) {
    auto box = Encrypt(sender, payload);
    if (!box && request.encrypted)  // what was asked in secret is not answered in the open
      return MakeError(request, {kErrorE2e, "e2e error: " + box.error().message}, now);
    if (box) body = *std::move(box);  // else a published key that is no key: the twin's own fault
  }
  if (std::holds_alternative<std::monostate>(body)) body = Plain{std::move(payload)};
  Envelope envelope;
  envelope.uid = request.uid;
  envelope.timestamp = now;
  envelope.expiration = kDefaultLife;
  envelope.destination = request.source;
  envelope.message = Response{};
  envelope.payload = std::move(body);
  auto bytes = Finish(std::move(envelope));
  replay_.Answer(request.source.twin, request.uid, std::make_shared<std::string const>(bytes));
  return bytes;
}

std::string Inbox::MakeError(IncomingRequest const& request, ErrorReport error, std::uint64_t now) {
  bool const lives = TimeToLive(now, request.timestamp, request.expiration).has_value();
  Envelope envelope;
  envelope.uid = request.uid;
  envelope.timestamp = now;
  envelope.expiration = lives ? std::min(request.expiration, kMaxLife) : kDefaultLife;
  envelope.destination = request.source;
  envelope.message = std::move(error);
  auto bytes = Finish(std::move(envelope));
  replay_.Answer(request.source.twin, request.uid, std::make_shared<std::string const>(bytes));
  return bytes;
}

std::string Inbox::MakeRefusal(Incoming const& message, Refusal refusal, std::uint64_t now) const {
  auto const& view = message.view;
  bool const lives = TimeToLive(now, view.timestamp, view.expiration).has_value();
  Envelope envelope;
  envelope.uid = view.uid;
  envelope.timestamp = now;
  envelope.expiration = lives ? std::min(view.expiration, kMaxLife) : kDefaultLife;
  envelope.destination = view.source->ToAddress();
  envelope.message = ErrorReport{refusal.code, std::move(refusal.text)};
  return Finish(std::move(envelope));
}

}  // namespace trellis::rmb
