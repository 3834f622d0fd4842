// BIP-39 mnemonics (English) and the mini secret that substrate derives from them.
#pragma once

#include "kernel/crypto/bytes.hpp"

#include <trellis/result.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace trellis::crypto {

/// 32 secret bytes that wipe themselves.
class Seed {
 public:
  Seed() = default;
  explicit Seed(std::span<std::uint8_t const, 32> bytes);
  ~Seed();
  Seed(Seed const&) = default;
  Seed(Seed&&) = default;
  Seed& operator=(Seed const&) = default;
  Seed& operator=(Seed&&) = default;

  [[nodiscard]] std::span<std::uint8_t const, 32> view() const { return bytes_; }
  [[nodiscard]] std::uint8_t* data() { return bytes_.data(); }

 private:
  std::array<std::uint8_t, 32> bytes_{};
};

/// The entropy of 12, 15, 18, 21 or 24 words. kInvalid: word count, a word that is not in the list
/// (named by position only: the words are secret), checksum.
Result<Bytes> MnemonicEntropy(std::string_view words);

/// The words of 16, 20, 24, 28 or 32 bytes of entropy. kInvalid.
Result<std::string> MnemonicOf(BytesView entropy);

/// 12 new random words.
std::string GenerateMnemonic();

/// PBKDF2-HMAC-SHA512 over the entropy, first 32 bytes. kInvalid as MnemonicEntropy.
Result<Seed> MiniSecret(std::string_view words, std::string_view password = {});

/// A mnemonic, or a hex seed of 64 digits with or without `0x`. kInvalid.
Result<Seed> SeedFromText(std::string_view text);

}  // namespace trellis::crypto
