#include "kernel/rmb/envelope.hpp"

#include "kernel/crypto/hash.hpp"

#include <algorithm>

namespace trellis::rmb {
namespace {

constexpr char kEd25519 = 'e';
constexpr char kSr25519 = 's';
constexpr std::size_t kSignatureBytes = 65;
enum Wire : std::uint8_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

/// One field of a protobuf message.
struct Field {
  std::uint64_t number = 0;
  std::uint64_t wire = 0;
  std::uint64_t varint = 0;
  std::string_view bytes;
};

tl::unexpected<Error> Malformed(std::string_view what) {
  return Fail(Code::kDecode, "malformed envelope: {}", what);
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] bool AtEnd() const { return rest_.empty(); }

  Result<Field> Next() {
    TRELLIS_TRY(auto const key, Varint());
    Field field;
    field.number = key >> 3U;
    field.wire = key & 7U;
    if (field.number == 0) return Malformed("field number 0");
    switch (field.wire) {
      case kVarint: {
        TRELLIS_TRY(field.varint, Varint());
        return field;
      }
      case kFixed64: {
        TRELLIS_TRY(field.bytes, Take(8));
        return field;
      }
      case kLength: {
        TRELLIS_TRY(auto const size, Varint());
        TRELLIS_TRY(field.bytes, Take(size));
        return field;
      }
      case kFixed32: {
        TRELLIS_TRY(field.bytes, Take(4));
        return field;
      }
      default:
        return Malformed("unknown wire type");
    }
  }

 private:
  Result<std::uint64_t> Varint() {
    constexpr unsigned kMaxBytes = 10;
    std::uint64_t value = 0;
    for (unsigned i = 0; i < kMaxBytes; ++i) {
      if (rest_.empty()) return Malformed("truncated number");
      auto const byte = static_cast<std::uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7fU} << (7 * i);
      if ((byte & 0x80U) == 0) return value;
    }
    return Malformed("number of more than 10 bytes");
  }
  Result<std::string_view> Take(std::uint64_t size) {
    if (size > rest_.size()) return Malformed("length beyond the end");
    auto const taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
};

bool IsUtf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    auto const lead = static_cast<std::uint8_t>(text[i]);
    std::size_t const extra = lead < 0x80                   ? 0
                              : lead >= 0xc2 && lead < 0xe0 ? 1
                              : (lead & 0xf0U) == 0xe0      ? 2
                              : lead >= 0xf0 && lead < 0xf5 ? 3
                                                            : 4;
    if (extra == 4 || i + extra >= text.size()) return false;
    for (std::size_t k = 1; k <= extra; ++k) {
      if ((static_cast<std::uint8_t>(text[i + k]) & 0xc0U) != 0x80) return false;
    }
    if (extra == 2) {
      auto const next = static_cast<std::uint8_t>(text[i + 1]);
      if ((lead == 0xe0 && next < 0xa0) || (lead == 0xed && next >= 0xa0)) return false;
    }
    if (extra == 3) {
      auto const next = static_cast<std::uint8_t>(text[i + 1]);
      if ((lead == 0xf0 && next < 0x90) || (lead == 0xf4 && next >= 0x90)) return false;
    }
    i += extra + 1;
  }
  return true;
}

Result<std::string> Text(Field const& field) {
  if (field.wire != kLength) return Malformed("text expected");
  if (!IsUtf8(field.bytes)) return Malformed("text is not UTF-8");
  return std::string(field.bytes);
}

Result<Address> ParseAddress(std::string_view bytes) {
  Address address;
  for (Reader reader(bytes); !reader.AtEnd();) {
    TRELLIS_TRY(auto const field, reader.Next());
    if (field.number == 1 && field.wire == kVarint)
      address.twin = static_cast<std::uint32_t>(field.varint);
    if (field.number == 2) {
      TRELLIS_TRY(address.connection, Text(field));
    }
  }
  return address;
}

Result<Request> ParseRequest(std::string_view bytes) {
  Request request;
  for (Reader reader(bytes); !reader.AtEnd();) {
    TRELLIS_TRY(auto const field, reader.Next());
    if (field.number == 1) {
      TRELLIS_TRY(request.command, Text(field));
    }
  }
  return request;
}

Result<ErrorReport> ParseError(std::string_view bytes) {
  ErrorReport error;
  for (Reader reader(bytes); !reader.AtEnd();) {
    TRELLIS_TRY(auto const field, reader.Next());
    if (field.number == 1 && field.wire == kVarint)
      error.code = static_cast<std::uint32_t>(field.varint);
    if (field.number == 2) {
      TRELLIS_TRY(error.message, Text(field));
    }
  }
  return error;
}

/// A message without members that we know: only its fields' form is checked.
Result<void> SkipAll(std::string_view bytes) {
  for (Reader reader(bytes); !reader.AtEnd();)
    TRELLIS_CHECK(reader.Next());
  return {};
}

/// Fields 1 to 6: who, when, to whom.
Result<void> ApplyHeader(Field const& field, Envelope& out) {
  switch (field.number) {
    case 1: {
      TRELLIS_TRY(out.uid, Text(field));
      break;
    }
    case 2: {
      TRELLIS_TRY(out.tags, Text(field));
      break;
    }
    case 3:
      out.timestamp = field.varint;
      break;
    case 4:
      out.expiration = field.varint;
      break;
    case 5: {
      TRELLIS_TRY(out.source, ParseAddress(field.bytes));
      break;
    }
    case 6: {
      TRELLIS_TRY(out.destination, ParseAddress(field.bytes));
      break;
    }
    default:
      break;
  }
  return {};
}

/// Fields 7, 8, 12, 15, 16: the kind of message.
Result<void> ApplyMessage(Field const& field, Envelope& out) {
  if (field.number == 7) {
    TRELLIS_TRY(out.message, ParseRequest(field.bytes));
    return {};
  }
  if (field.number == 12) {
    TRELLIS_TRY(out.message, ParseError(field.bytes));
    return {};
  }
  TRELLIS_CHECK(SkipAll(field.bytes));
  if (field.number == 8) out.message = Response{};
  if (field.number == 15) out.message = Ping{};
  if (field.number == 16) out.message = Pong{};
  return {};
}

Result<void> ApplyRest(Field const& field, Envelope& out) {
  switch (field.number) {
    case 9:
      out.signature = std::string(field.bytes);
      break;
    case 10: {
      TRELLIS_TRY(out.schema, Text(field));
      break;
    }
    case 11: {
      TRELLIS_TRY(out.federation, Text(field));
      break;
    }
    case 13:
      out.payload = Plain{std::string(field.bytes)};
      break;
    case 14:
      out.payload = Cipher{std::string(field.bytes)};
      break;
    case 17: {
      TRELLIS_TRY(auto relay, Text(field));
      out.relays.push_back(std::move(relay));
      break;
    }
    default:
      break;
  }
  return {};
}

class Writer {
 public:
  void Varint(std::uint64_t value) {
    while (value >= 0x80) {
      out_ += static_cast<char>((value & 0x7fU) | 0x80U);
      value >>= 7U;
    }
    out_ += static_cast<char>(value);
  }
  void Number(std::uint64_t field, std::uint64_t value) {
    if (value == 0) return;
    Varint(field << 3U | kVarint);
    Varint(value);
  }
  void Bytes(std::uint64_t field, std::string_view bytes) {
    Varint(field << 3U | kLength);
    Varint(bytes.size());
    out_ += bytes;
  }
  void NonEmpty(std::uint64_t field, std::string_view bytes) {
    if (!bytes.empty()) Bytes(field, bytes);
  }
  void Optional(std::uint64_t field, std::optional<std::string> const& bytes) {
    if (bytes.has_value()) Bytes(field, *bytes);
  }
  [[nodiscard]] std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

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

void AddAddress(std::string& out, std::optional<Address> const& address) {
  if (!address.has_value()) return;
  out += std::to_string(address->twin);
  out += address->connection.value_or("");
}

}  // namespace

std::string_view Envelope::payload_bytes() const {
  if (auto const* plain = std::get_if<Plain>(&payload); plain != nullptr) return plain->bytes;
  if (auto const* cipher = std::get_if<Cipher>(&payload); cipher != nullptr) return cipher->bytes;
  return {};
}

Result<Envelope> ParseEnvelope(std::string_view bytes) {
  Envelope out;
  for (Reader reader(bytes); !reader.AtEnd();) {
    TRELLIS_TRY(auto const field, reader.Next());
    bool const number = field.number == 3 || field.number == 4;
    bool const known = field.number <= 17;
    if (known && field.wire != (number ? kVarint : kLength))
      return Malformed("field of the wrong type");
    if (field.number <= 6) {
      TRELLIS_CHECK(ApplyHeader(field, out));
    } else if (field.number == 7 || field.number == 8 || field.number == 12 || field.number == 15 ||
               field.number == 16) {
      TRELLIS_CHECK(ApplyMessage(field, out));
    } else {
      TRELLIS_CHECK(ApplyRest(field, out));
    }
  }
  return out;
}

std::string SerializeEnvelope(Envelope const& envelope) {
  Writer writer;
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
  std::string out = envelope.uid;
  out += envelope.tags.value_or("");
  out += std::to_string(envelope.timestamp);
  out += std::to_string(envelope.expiration);
  AddAddress(out, envelope.source);
  AddAddress(out, envelope.destination);
  if (auto const* request = std::get_if<Request>(&envelope.message); request != nullptr)
    out += request->command;
  if (auto const* error = std::get_if<ErrorReport>(&envelope.message); error != nullptr) {
    out += std::to_string(error->code);
    out += error->message;
  }
  out += envelope.schema.value_or("");
  out += envelope.federation.value_or("");
  out += envelope.payload_bytes();
  for (auto const& relay : envelope.relays)
    out += relay;
  return crypto::Md5(crypto::AsBytes(out));
}

std::string PrefixedSignature(crypto::Signer const& signer, crypto::BytesView message) {
  auto const raw = signer.Sign(message);
  std::string out(1, signer.type() == crypto::KeyType::kSr25519 ? kSr25519 : kEd25519);
  out.append(reinterpret_cast<char const*>(raw.data()), raw.size());
  return out;
}

bool VerifyPrefixed(std::string_view signature, crypto::BytesView public_key,
                    crypto::BytesView message) {
  if (signature.size() != kSignatureBytes) return false;
  if (signature.front() != kEd25519 && signature.front() != kSr25519) return false;
  auto const type =
      signature.front() == kSr25519 ? crypto::KeyType::kSr25519 : crypto::KeyType::kEd25519;
  return crypto::Verify(type, public_key, message, crypto::AsBytes(signature.substr(1)));
}

void SignEnvelope(Envelope& envelope, crypto::Signer const& signer) {
  envelope.signature = PrefixedSignature(signer, Challenge(envelope));
}

Result<void> CheckSignature(Envelope const& envelope, crypto::BytesView public_key) {
  if (!envelope.signature.has_value() || envelope.signature->empty())
    return Fail(Code::kDenied, "signature is missing");
  if (!VerifyPrefixed(*envelope.signature, public_key, Challenge(envelope)))
    return Fail(Code::kDenied, "signature does not match");
  return {};
}

}  // namespace trellis::rmb
