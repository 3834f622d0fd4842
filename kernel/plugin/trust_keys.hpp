// Who signed a plugin's manifest: keys, their short names, and the one line of a signature file.
#pragma once

#include "kernel/crypto/keys.hpp"

#include <trellis/result.hpp>

#include <string>
#include <string_view>

namespace trellis::plugin {

/// The short name of a key: 16 hex digits.
[[nodiscard]] std::string KeyId(crypto::PublicKey const& key);

/// What `<name>.manifest.json.sig` holds.
struct ManifestSignature {
  std::string key_id;
  crypto::Signature signature{};

  /// The exact bytes of a manifest, signed. `signer` is an ed25519 key.
  static ManifestSignature Make(crypto::Signer const& signer, std::string_view manifest);
  /// kDecode when the text is not one line of the form `trellis-sig-v1 <key id> <base64>`.
  static Result<ManifestSignature> Parse(std::string_view text);
  /// With its line end.
  [[nodiscard]] std::string ToLine() const;
  [[nodiscard]] bool Matches(crypto::PublicKey const& key, std::string_view manifest) const;
};

/// A key as a line of a trust store: `ed25519 <base64> <glob of names> <comment>`.
struct TrustedKey {
  crypto::PublicKey key{};
  std::string id;
  std::string names;  ///< glob of the plugins that it may sign
  std::string comment;

  /// kDecode.
  static Result<TrustedKey> Parse(std::string_view line);
  [[nodiscard]] std::string ToLine() const;
  [[nodiscard]] bool MaySign(std::string const& name) const;
};

/// The text of a file with a signing key, and back. kDecode.
[[nodiscard]] std::string SigningKeyText(crypto::BytesView seed);
Result<crypto::Signer> ParseSigningKey(std::string_view text);

}  // namespace trellis::plugin
