#include "kernel/rmb/envelope.hpp"

#include "kernel/rmb/envelope_view.hpp"
#include "kernel/rmb/wire.hpp"

namespace trellis::rmb {
namespace {

using wire::Writer;

constexpr char kEd25519 = 'e';
constexpr char kSr25519 = 's';
constexpr std::size_t kSignatureBytes = 65;

std::string AddressBytes(Address const& address) {
  Writer writer;
  writer.Number(1, address.twin);
  writer.Optional(2, address.connection);
  return writer.Take();
}

void WriteMessage(Writer& writer, Message const& message) {
  if (auto const* request = std::get_if<Request>(&message); request != nullptr) {
    Writer inner;
    inner.NonEmpty(1, request->command);
    writer.Bytes(7, inner.Take());
  } else if (std::holds_alternative<Response>(message)) {
    writer.Bytes(8, {});
  } else if (auto const* error = std::get_if<ErrorReport>(&message); error != nullptr) {
    Writer inner;
    inner.Number(1, error->code);
    inner.NonEmpty(2, error->message);
    writer.Bytes(12, inner.Take());
  } else if (std::holds_alternative<Ping>(message)) {
    writer.Bytes(15, {});
  } else if (std::holds_alternative<Pong>(message)) {
    writer.Bytes(16, {});
  }
}

std::optional<std::string> Owned(std::optional<std::string_view> const& text) {
  if (!text.has_value()) return std::nullopt;
  return std::string(*text);
}

std::optional<Address> Owned(std::optional<AddressView> const& address) {
  if (!address.has_value()) return std::nullopt;
  return address->ToAddress();
}

Message OwnedMessage(EnvelopeView const& view) {
  switch (view.kind) {
    case Kind::kNone:
      break;
    case Kind::kRequest:
      return Request{std::string(view.text)};
    case Kind::kResponse:
      return Response{};
    case Kind::kError:
      return ErrorReport{view.error_code, std::string(view.text)};
    case Kind::kPing:
      return Ping{};
    case Kind::kPong:
      return Pong{};
  }
  return {};
}

}  // namespace

std::string_view Envelope::payload_bytes() const {
  if (auto const* plain = std::get_if<Plain>(&payload); plain != nullptr) return plain->bytes;
  if (auto const* cipher = std::get_if<Cipher>(&payload); cipher != nullptr) return cipher->bytes;
  return {};
}

Envelope ToEnvelope(EnvelopeView const& view) {
  Envelope out;
  out.uid = view.uid;
  out.tags = Owned(view.tags);
  out.timestamp = view.timestamp;
  out.expiration = view.expiration;
  out.source = Owned(view.source);
  out.destination = Owned(view.destination);
  out.message = OwnedMessage(view);
  out.signature = Owned(view.signature);
  out.schema = Owned(view.schema);
  out.federation = Owned(view.federation);
  if (view.payload_kind == PayloadKind::kPlain) out.payload = Plain{std::string(view.payload)};
  if (view.payload_kind == PayloadKind::kCipher) out.payload = Cipher{std::string(view.payload)};
  out.relays.assign(view.relays.begin(), view.relays.end());
  return out;
}

Result<Envelope> ParseEnvelope(std::string_view bytes) {
  TRELLIS_TRY(auto const view, ViewEnvelope(bytes));
  return ToEnvelope(view);
}

std::string SerializeEnvelope(Envelope const& envelope) {
  constexpr std::size_t kRest = 512;  // of a usual envelope without its payload
  Writer writer(envelope.payload_bytes().size() + kRest);
  writer.NonEmpty(1, envelope.uid);
  writer.Optional(2, envelope.tags);
  writer.Number(3, envelope.timestamp);
  writer.Number(4, envelope.expiration);
  if (envelope.source.has_value()) writer.Bytes(5, AddressBytes(*envelope.source));
  if (envelope.destination.has_value()) writer.Bytes(6, AddressBytes(*envelope.destination));
  WriteMessage(writer, envelope.message);
  writer.Optional(9, envelope.signature);
  writer.Optional(10, envelope.schema);
  writer.Optional(11, envelope.federation);
  if (auto const* plain = std::get_if<Plain>(&envelope.payload); plain != nullptr)
    writer.Bytes(13, plain->bytes);
  if (auto const* cipher = std::get_if<Cipher>(&envelope.payload); cipher != nullptr)
    writer.Bytes(14, cipher->bytes);
  for (auto const& relay : envelope.relays)
    writer.Bytes(17, relay);
  return writer.Take();
}

std::array<std::uint8_t, 16> Challenge(Envelope const& envelope) {
  return Challenge(ViewOf(envelope));
}

std::string PrefixedSignature(crypto::Signer const& signer, crypto::BytesView message) {
  auto const raw = signer.Sign(message);
  std::string out(1, signer.type() == crypto::KeyType::kSr25519 ? kSr25519 : kEd25519);
  out.append(reinterpret_cast<char const*>(raw.data()), raw.size());
  return out;
}

bool VerifyPrefixed(std::string_view signature, crypto::PublicKey const& public_key,
                    crypto::BytesView message, crypto::KeyCache* keys) {
  if (signature.size() != kSignatureBytes) return false;
  if (signature.front() != kEd25519 && signature.front() != kSr25519) return false;
  auto const type =
      signature.front() == kSr25519 ? crypto::KeyType::kSr25519 : crypto::KeyType::kEd25519;
  auto const raw = crypto::AsBytes(signature.substr(1));
  return keys != nullptr ? keys->Verify(type, public_key, message, raw)
                         : crypto::Verify(type, public_key, message, raw);
}

void SignEnvelope(Envelope& envelope, crypto::Signer const& signer) {
  envelope.signature = PrefixedSignature(signer, Challenge(envelope));
}

Result<void> CheckSignature(Envelope const& envelope, crypto::PublicKey const& public_key) {
  return CheckSignature(ViewOf(envelope), public_key);
}

}  // namespace trellis::rmb
