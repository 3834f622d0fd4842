#include "kernel/rmb/envelope_view.hpp"

#include "kernel/crypto/hash.hpp"
#include "kernel/rmb/wire.hpp"

#include <charconv>

namespace trellis::rmb {
namespace {

using wire::Field;
using wire::Malformed;
using wire::Reader;
using wire::Text;

enum Number : std::uint8_t {
  kUid = 1,
  kTags = 2,
  kTimestamp = 3,
  kExpiration = 4,
  kSource = 5,
  kDestination = 6,
  kRequest = 7,
  kResponse = 8,
  kSignature = 9,
  kSchema = 10,
  kFederation = 11,
  kError = 12,
  kPlain = 13,
  kCipher = 14,
  kPing = 15,
  kPong = 16,
  kRelays = 17
};

Result<std::uint32_t> Uint32(Field const& field) {
  if (field.type != wire::kVarint) return Malformed("number expected");
  return static_cast<std::uint32_t>(field.varint);
}

Result<AddressView> ParseAddress(std::string_view bytes) {
  AddressView address;
  for (Reader reader(bytes); !reader.AtEnd();) {
    TRELLIS_TRY(auto const field, reader.Next());
    if (field.number == 1) {
      TRELLIS_TRY(address.twin, Uint32(field));
    }
    if (field.number == 2) {
      TRELLIS_TRY(address.connection, Text(field));
    }
  }
  return address;
}

/// The kind's own message: a request's command is field 1, an error's code and text are 1 and 2.
Result<void> ApplyKind(Field const& field, EnvelopeView& out) {
  out.text = {};
  out.error_code = 0;
  for (Reader reader(field.bytes); !reader.AtEnd();) {
    TRELLIS_TRY(auto const inner, reader.Next());
    if (field.number == kRequest && inner.number == 1) {
      TRELLIS_TRY(out.text, Text(inner));
    }
    if (field.number == kError && inner.number == 1) {
      TRELLIS_TRY(out.error_code, Uint32(inner));
    }
    if (field.number == kError && inner.number == 2) {
      TRELLIS_TRY(out.text, Text(inner));
    }
  }
  switch (field.number) {
    case kRequest:
      out.kind = Kind::kRequest;
      break;
    case kResponse:
      out.kind = Kind::kResponse;
      break;
    case kError:
      out.kind = Kind::kError;
      break;
    case kPing:
      out.kind = Kind::kPing;
      break;
    default:
      out.kind = Kind::kPong;
      break;
  }
  return {};
}

Result<void> ApplyRelay(Field const& field, EnvelopeView& out) {
  TRELLIS_TRY(auto const relay, Text(field));
  if (out.relays.size() == kMaxRelays) return Malformed("too many relays");
  out.relays.push_back(relay);
  return {};
}

/// Fields that are one text each.
Result<void> ApplyText(Field const& field, EnvelopeView& out) {
  TRELLIS_TRY(auto const text, Text(field));
  if (field.number == kUid) out.uid = text;
  if (field.number == kTags) out.tags = text;
  if (field.number == kSchema) out.schema = text;
  if (field.number == kFederation) out.federation = text;
  return {};
}

Result<void> ApplyAddress(Field const& field, EnvelopeView& out) {
  TRELLIS_TRY(auto const address, ParseAddress(field.bytes));
  (field.number == kSource ? out.source : out.destination) = address;
  return {};
}

Result<void> Apply(Field const& field, EnvelopeView& out) {
  switch (field.number) {
    case kTimestamp:
      out.timestamp = field.varint;
      return {};
    case kExpiration:
      out.expiration = field.varint;
      return {};
    case kSource:
    case kDestination:
      return ApplyAddress(field, out);
    case kRequest:
    case kResponse:
    case kError:
    case kPing:
    case kPong:
      return ApplyKind(field, out);
    case kSignature:
      out.signature = field.bytes;
      return {};
    case kPlain:
    case kCipher:
      out.payload_kind = field.number == kPlain ? PayloadKind::kPlain : PayloadKind::kCipher;
      out.payload = field.bytes;
      return {};
    case kRelays:
      return ApplyRelay(field, out);
    default:
      return ApplyText(field, out);
  }
}

void Add(std::string& out, std::uint64_t number) {
  char digits[20];
  auto const end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

void Add(std::string& out, std::optional<AddressView> const& address) {
  if (!address.has_value()) return;
  Add(out, address->twin);
  out += address->connection.value_or("");
}

std::optional<AddressView> ViewOf(std::optional<Address> const& address) {
  if (!address.has_value()) return std::nullopt;
  return AddressView{address->twin, address->connection};
}

}  // namespace

Address AddressView::ToAddress() const {
  Address out{twin, std::nullopt};
  if (connection.has_value()) out.connection.emplace(*connection);
  return out;
}

Result<EnvelopeView> ViewEnvelope(std::string_view bytes) {
  EnvelopeView out;
  for (Reader reader(bytes); !reader.AtEnd();) {
    TRELLIS_TRY(auto const field, reader.Next());
    if (field.number > kRelays) continue;
    bool const number = field.number == kTimestamp || field.number == kExpiration;
    if (field.type != (number ? wire::kVarint : wire::kLength))
      return Malformed("field of the wrong type");
    TRELLIS_CHECK(Apply(field, out));
  }
  return out;
}

EnvelopeView ViewOf(Envelope const& envelope) {
  EnvelopeView out;
  out.uid = envelope.uid;
  out.tags = envelope.tags;
  out.timestamp = envelope.timestamp;
  out.expiration = envelope.expiration;
  out.source = ViewOf(envelope.source);
  out.destination = ViewOf(envelope.destination);
  out.kind = static_cast<Kind>(envelope.message.index());  // the variant's order is Kind's order
  if (auto const* request = std::get_if<Request>(&envelope.message); request != nullptr)
    out.text = request->command;
  if (auto const* error = std::get_if<ErrorReport>(&envelope.message); error != nullptr) {
    out.error_code = error->code;
    out.text = error->message;
  }
  out.signature = envelope.signature;
  out.schema = envelope.schema;
  out.federation = envelope.federation;
  out.payload_kind = static_cast<PayloadKind>(envelope.payload.index());  // same order
  out.payload = envelope.payload_bytes();
  out.relays.assign(envelope.relays.begin(), envelope.relays.end());
  return out;
}

std::array<std::uint8_t, 16> Challenge(EnvelopeView const& envelope) {
  std::string out;
  constexpr std::size_t kRest = 512;  // of a usual envelope without its payload
  out.reserve(kRest);
  out += envelope.uid;
  out += envelope.tags.value_or("");
  Add(out, envelope.timestamp);
  Add(out, envelope.expiration);
  Add(out, envelope.source);
  Add(out, envelope.destination);
  if (envelope.kind == Kind::kError) Add(out, envelope.error_code);
  out += envelope.text;
  out += envelope.schema.value_or("");
  out += envelope.federation.value_or("");
  std::string relays;
  for (auto const relay : envelope.relays)
    relays += relay;
  return crypto::Md5(
      {crypto::AsBytes(out), crypto::AsBytes(envelope.payload), crypto::AsBytes(relays)});
}

Result<void> CheckSignature(EnvelopeView const& envelope, crypto::PublicKey const& public_key,
                            crypto::KeyCache* keys) {
  if (!envelope.signature.has_value() || envelope.signature->empty())
    return Fail(Code::kDenied, "signature is missing");
  if (!VerifyPrefixed(*envelope.signature, public_key, Challenge(envelope), keys))
    return Fail(Code::kDenied, "signature does not match");
  return {};
}

}  // namespace trellis::rmb
