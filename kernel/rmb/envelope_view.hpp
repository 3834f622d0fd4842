// An envelope as it lies in received bytes: parsed without a copy. What relays and peers read.
#pragma once

#include "kernel/crypto/keys.hpp"
#include "kernel/rmb/envelope.hpp"

#include <trellis/result.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace trellis::rmb {

/// Borrows from the bytes (or the Envelope) it was made of.
struct AddressView {
  std::uint32_t twin = 0;
  std::optional<std::string_view> connection;
  bool operator==(AddressView const&) const = default;
  bool operator==(Address const& other) const {
    return twin == other.twin && connection == other.connection;
  }
  [[nodiscard]] Address ToAddress() const;
};

enum class Kind : std::uint8_t { kNone, kRequest, kResponse, kError, kPing, kPong };
enum class PayloadKind : std::uint8_t { kNone, kPlain, kCipher };

inline constexpr std::size_t kMaxRelays = 64;  ///< of one envelope; senders have at most 4

/// Borrows from the bytes (or the Envelope) it was made of.
struct EnvelopeView {
  std::string_view uid;
  std::optional<std::string_view> tags;
  std::uint64_t timestamp = 0;
  std::uint64_t expiration = 0;
  std::optional<AddressView> source;
  std::optional<AddressView> destination;
  Kind kind = Kind::kNone;
  std::uint32_t error_code = 0;
  std::string_view text;  ///< command of a request, message of an error
  std::optional<std::string_view> signature;
  std::optional<std::string_view> schema;
  std::optional<std::string_view> federation;
  PayloadKind payload_kind = PayloadKind::kNone;
  std::string_view payload;
  std::vector<std::string_view> relays;
};

/// kDecode for anything that is not one envelope. Unknown fields are skipped; of a repeated field
/// the last one counts.
Result<EnvelopeView> ViewEnvelope(std::string_view bytes);
[[nodiscard]] EnvelopeView ViewOf(Envelope const& envelope);
/// A copy that borrows nothing.
[[nodiscard]] Envelope ToEnvelope(EnvelopeView const& view);

/// MD5 of the signed fields.
[[nodiscard]] std::array<std::uint8_t, 16> Challenge(EnvelopeView const& envelope);
/// kDenied says what is wrong with it. `keys`: see VerifyPrefixed.
Result<void> CheckSignature(EnvelopeView const& envelope, crypto::PublicKey const& public_key,
                            crypto::KeyCache* keys = nullptr);

}  // namespace trellis::rmb
