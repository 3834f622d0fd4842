// The message of the bus: proto3 on the wire, parsed and written by hand.
#pragma once

#include "kernel/crypto/keys.hpp"
#include "kernel/crypto/prepared_key.hpp"

#include <trellis/result.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace trellis::rmb {

/// A session: a twin, and the name of one of its connections. No name and an empty name are
/// different sessions.
struct Address {
  std::uint32_t twin = 0;
  std::optional<std::string> connection;
  auto operator<=>(Address const&) const = default;
};

/// The kinds of message (oneof `message`).
struct Request {
  std::string command;
};
struct Response {};
struct ErrorReport {
  std::uint32_t code = 0;
  std::string message;
};
struct Ping {};
struct Pong {};
using Message = std::variant<std::monostate, Request, Response, ErrorReport, Ping, Pong>;

/// Payload (oneof `payload`).
struct Plain {
  std::string bytes;
};
struct Cipher {
  std::string bytes;
};
using Payload = std::variant<std::monostate, Plain, Cipher>;

struct Envelope {
  std::string uid;
  std::optional<std::string> tags;
  std::uint64_t timestamp = 0;   ///< unix seconds
  std::uint64_t expiration = 0;  ///< seconds after timestamp
  std::optional<Address> source;
  std::optional<Address> destination;
  Message message;
  std::optional<std::string> signature;
  std::optional<std::string> schema;
  std::optional<std::string> federation;
  Payload payload;
  std::vector<std::string> relays;

  /// The payload's bytes, plain or cipher.
  [[nodiscard]] std::string_view payload_bytes() const;
};

/// kDecode for anything that is not one envelope. Unknown fields are skipped.
Result<Envelope> ParseEnvelope(std::string_view bytes);
[[nodiscard]] std::string SerializeEnvelope(Envelope const& envelope);

/// MD5 of the signed fields.
[[nodiscard]] std::array<std::uint8_t, 16> Challenge(Envelope const& envelope);
/// Sets the signature: algorithm prefix and 64 bytes.
void SignEnvelope(Envelope& envelope, crypto::Signer const& signer);
/// kDenied says what is wrong with it.
Result<void> CheckSignature(Envelope const& envelope, crypto::PublicKey const& public_key);

/// 'e' or 's' and the 64 bytes.
[[nodiscard]] std::string PrefixedSignature(crypto::Signer const& signer,
                                            crypto::BytesView message);
/// `keys`: where keys that sign often are kept prepared; may be null.
[[nodiscard]] bool VerifyPrefixed(std::string_view signature, crypto::PublicKey const& public_key,
                                  crypto::BytesView message, crypto::KeyCache* keys = nullptr);

}  // namespace trellis::rmb
