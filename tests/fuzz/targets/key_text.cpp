// The text forms of keys and bytes, and derivation paths.
#include "kernel/crypto/derivation.hpp"
#include "kernel/crypto/keys.hpp"
#include "kernel/crypto/mnemonic.hpp"
#include "tests/fuzz/target.hpp"

namespace trellis::fuzz::key_text {

void Run(std::string_view input);

void Run(std::string_view input) {
  if (auto const bytes = crypto::FromBase58(input); bytes)
    Require(crypto::Base58(*bytes) == input, "base58 has one spelling");
  if (auto const bytes = crypto::FromBase64Url(input); bytes)
    Require(crypto::Base64Url(*bytes) == input, "base64url has one spelling");
  if (auto const bytes = crypto::FromHex0x(input); bytes)
    Require(crypto::FromHex(crypto::Hex(*bytes)).value() == *bytes, "hex comes back");
  if (auto const key = crypto::FromSs58Address(input); key)
    Require(crypto::Ss58Address(*key) == input, "an address has one spelling");
  if (auto const entropy = crypto::MnemonicEntropy(input); entropy) {
    auto const words = crypto::MnemonicOf(*entropy).value();
    Require(crypto::MnemonicEntropy(words).value() == *entropy, "words stand for their entropy");
  }
  auto const path = crypto::ParsePath(input);
  Require(!path || path->size() <= crypto::kMaxPathBytes, "paths are limited");
  Require(path.has_value() == crypto::ParsePath(input).has_value(), "a path is stable");
}

}  // namespace trellis::fuzz::key_text
