// Signing keys of twins: ed25519 and sr25519, verification, addresses.
#pragma once

#include "kernel/crypto/bytes.hpp"
#include "kernel/crypto/mnemonic.hpp"

#include <trellis/result.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace trellis::crypto {

struct Junction;

enum class KeyType : std::uint8_t { kEd25519, kSr25519 };

/// `ed25519` or `sr25519`.
std::string_view ToText(KeyType type);

using PublicKey = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;

/// A key pair that signs. The secret half is wiped on destruction and never printed.
/// Thread-safe after construction.
class Signer {
 public:
  static Signer FromSeed(KeyType type, std::span<std::uint8_t const, 32> seed);
  /// kInvalid: the words are no BIP-39 mnemonic.
  static Result<Signer> FromMnemonic(KeyType type, std::string_view words);

  ~Signer();
  Signer(Signer const&) = default;
  Signer(Signer&&) = default;
  Signer& operator=(Signer const&) = default;
  Signer& operator=(Signer&&) = default;

  /// ed25519 signatures are deterministic, sr25519 ones are randomised.
  [[nodiscard]] Signature Sign(BytesView message) const;

  /// The key one step further on a derivation path (derivation.hpp). kInvalid: a soft junction of
  /// an ed25519 key.
  [[nodiscard]] Result<Signer> Child(Junction const& junction) const;

  [[nodiscard]] KeyType type() const { return type_; }
  [[nodiscard]] PublicKey const& public_key() const { return public_key_; }

 private:
  Signer() = default;

  KeyType type_ = KeyType::kEd25519;
  PublicKey public_key_{};
  // ed25519: libsodium's secret key; sr25519: scalar and nonce seed.
  std::array<std::uint8_t, 64> secret_{};
};

/// True when the signature is good. Any wrong length or malformed key is false. sr25519 uses the
/// signing context `substrate`.
bool Verify(KeyType type, BytesView public_key, BytesView message, BytesView signature);

inline constexpr std::uint8_t kSs58Substrate = 42;

/// The SS58 text of a 32-byte account key.
std::string Ss58Address(PublicKey const& key, std::uint8_t network = kSs58Substrate);

/// The key of an SS58 address of that network; checks the checksum. kDecode.
Result<PublicKey> FromSs58Address(std::string_view address, std::uint8_t network = kSs58Substrate);

}  // namespace trellis::crypto
