#include "kernel/plugin/trust_keys.hpp"

#include "kernel/base/strings.hpp"
#include "kernel/crypto/hash.hpp"

#include <fmt/format.h>
#include <fnmatch.h>

namespace trellis::plugin {

namespace {

constexpr std::string_view kSignatureTag = "trellis-sig-v1";
constexpr std::string_view kKeyTag = "trellis-signing-key-v1";
constexpr std::string_view kKeyType = "ed25519";
constexpr std::string_view kMessageTag{"trellis-plugin-manifest-v1\0", 27};
constexpr std::size_t kIdBytes = 8;
constexpr std::size_t kSeedBytes = 32;

std::string Message(std::string_view manifest) {
  return std::string(kMessageTag).append(manifest);
}

bool IsKeyId(std::string_view text) {
  return text.size() == 2 * kIdBytes &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::string KeyId(crypto::PublicKey const& key) {
  auto const hash = crypto::Blake2b256(key);
  return crypto::Hex(crypto::BytesView(hash).first(kIdBytes));
}

ManifestSignature ManifestSignature::Make(crypto::Signer const& signer, std::string_view manifest) {
  auto const message = Message(manifest);
  return {KeyId(signer.public_key()), signer.Sign(crypto::AsBytes(message))};
}

Result<ManifestSignature> ManifestSignature::Parse(std::string_view text) {
  auto const words = strings::SplitWords(text);
  if (words.size() != 3 || words[0] != kSignatureTag || !IsKeyId(words[1]))
    return Fail(Code::kDecode, "expected '{} <key id> <base64>'", kSignatureTag);
  ManifestSignature made;
  made.key_id = words[1];
  TRELLIS_TRY(auto const bytes, crypto::FromBase64(words[2]));
  TRELLIS_TRY(made.signature, crypto::Exactly<std::tuple_size_v<crypto::Signature>>(bytes));
  return made;
}

std::string ManifestSignature::ToLine() const {
  return fmt::format("{} {} {}\n", kSignatureTag, key_id, crypto::Base64(signature));
}

bool ManifestSignature::Matches(crypto::PublicKey const& key, std::string_view manifest) const {
  auto const message = Message(manifest);
  return crypto::Verify(crypto::KeyType::kEd25519, key, crypto::AsBytes(message), signature);
}

Result<TrustedKey> TrustedKey::Parse(std::string_view line) {
  auto const words = strings::SplitWords(line);
  if (words.size() < 3 || words[0] != kKeyType)
    return Fail(Code::kDecode, "expected '{} <base64> <names> <comment>'", kKeyType);
  TRELLIS_TRY(auto const bytes, crypto::FromBase64(words[1]));
  TrustedKey made;
  TRELLIS_TRY(made.key, crypto::Exactly<std::tuple_size_v<crypto::PublicKey>>(bytes));
  made.id = KeyId(made.key);
  made.names = words[2];
  if (words.size() > 3) made.comment = std::string(words[3].data(), line.data() + line.size());
  return made;
}

std::string TrustedKey::ToLine() const {
  auto const line = fmt::format("{} {} {}", kKeyType, crypto::Base64(key), names);
  return comment.empty() ? line + "\n" : fmt::format("{} {}\n", line, comment);
}

bool TrustedKey::MaySign(std::string const& name) const {
  return ::fnmatch(names.c_str(), name.c_str(), 0) == 0;
}

std::string SigningKeyText(crypto::BytesView seed) {
  return fmt::format("{} {}\n", kKeyTag, crypto::Base64(seed));
}

Result<crypto::Signer> ParseSigningKey(std::string_view text) {
  auto const words = strings::SplitWords(text);
  if (words.size() != 2 || words[0] != kKeyTag)
    return Fail(Code::kDecode, "expected '{} <base64>'", kKeyTag);
  TRELLIS_TRY(auto const bytes, crypto::FromBase64(words[1]));
  TRELLIS_TRY(auto const seed, crypto::Exactly<kSeedBytes>(bytes));
  return crypto::Signer::FromSeed(crypto::KeyType::kEd25519, seed);
}

}  // namespace trellis::plugin
