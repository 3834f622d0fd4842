#include "kernel/crypto/mnemonic.hpp"

#include "kernel/crypto/hash.hpp"
#include "kernel/crypto/keys.hpp"

#include <openssl/evp.h>
#include <sodium.h>

#include <algorithm>

namespace trellis::crypto {
namespace {

constexpr auto kWords = std::to_array<std::string_view>({
#include "kernel/crypto/bip39_english.inc"
});
static_assert(kWords.size() == 2048);

constexpr std::size_t kBitsPerWord = 11;
constexpr int kRounds = 2048;

std::vector<std::string_view> Split(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  std::vector<std::string_view> out;
  for (auto begin = text.find_first_not_of(kSpace); begin != std::string_view::npos;) {
    auto const end = std::min(text.find_first_of(kSpace, begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(kSpace, end);
  }
  return out;
}

bool GetBit(BytesView bytes, std::size_t bit) {
  return ((bytes[bit / 8] >> (7 - bit % 8)) & 1U) != 0;
}

// Entropy and its checksum in the last byte: the bit stream of the words.
Bytes WithChecksum(BytesView entropy) {
  Bytes stream(entropy.begin(), entropy.end());
  stream.push_back(Sha256(entropy)[0]);
  return stream;
}

// The bits of all words, eleven per word, padded with zeros to whole bytes.
Result<Bytes> WordBits(std::vector<std::string_view> const& words) {
  Bytes stream((words.size() * kBitsPerWord + 7) / 8, 0);
  for (std::size_t i = 0; i < words.size(); ++i) {
    auto const* const found = std::lower_bound(kWords.begin(), kWords.end(), words[i]);
    if (found == kWords.end() || *found != words[i])
      return Fail(Code::kInvalid, "word {} of the mnemonic is not in the word list", i + 1);
    auto const index = static_cast<std::size_t>(found - kWords.begin());
    for (std::size_t bit = 0; bit < kBitsPerWord; ++bit) {
      if (((index >> (kBitsPerWord - 1 - bit)) & 1U) == 0) continue;
      std::size_t const at = i * kBitsPerWord + bit;
      stream[at / 8] = static_cast<std::uint8_t>(stream[at / 8] | (0x80U >> (at % 8)));
    }
  }
  return stream;
}

}  // namespace

Seed::Seed(std::span<std::uint8_t const, 32> bytes) {
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}
Seed::~Seed() {
  sodium_memzero(bytes_.data(), bytes_.size());
}

Result<Bytes> MnemonicEntropy(std::string_view words) {
  auto const list = Split(words);
  if (list.size() < 12 || list.size() > 24 || list.size() % 3 != 0)
    return Fail(Code::kInvalid, "a mnemonic has 12, 15, 18, 21 or 24 words, got {}", list.size());
  TRELLIS_TRY(auto const stream, WordBits(list));
  std::size_t const bits = list.size() * kBitsPerWord;
  std::size_t const entropy_bits = bits - bits / 33;
  Bytes entropy(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(entropy_bits / 8));
  auto const expected = WithChecksum(entropy);
  for (std::size_t bit = entropy_bits; bit < bits; ++bit) {
    if (GetBit(stream, bit) != GetBit(expected, bit))
      return Fail(Code::kInvalid,
                  "the checksum of the mnemonic is wrong: a word is mistyped or misplaced");
  }
  return entropy;
}

Result<std::string> MnemonicOf(BytesView entropy) {
  if (entropy.size() < 16 || entropy.size() > 32 || entropy.size() % 4 != 0)
    return Fail(Code::kInvalid, "the entropy of a mnemonic has 16, 20, 24, 28 or 32 bytes, got {}",
                entropy.size());
  auto const stream = WithChecksum(entropy);
  std::size_t const words = entropy.size() * 3 / 4;
  std::string out;
  for (std::size_t i = 0; i < words; ++i) {
    std::size_t index = 0;
    for (std::size_t bit = 0; bit < kBitsPerWord; ++bit)
      index = index * 2 + (GetBit(stream, i * kBitsPerWord + bit) ? 1U : 0U);
    if (i != 0) out.push_back(' ');
    out.append(kWords[index]);
  }
  return out;
}

std::string GenerateMnemonic() {
  std::array<std::uint8_t, 16> entropy{};
  FillRandom(entropy);
  auto words = MnemonicOf(entropy);
  sodium_memzero(entropy.data(), entropy.size());
  return *std::move(words);
}

Result<Seed> MiniSecret(std::string_view words, std::string_view password) {
  TRELLIS_TRY(auto entropy, MnemonicEntropy(words));
  std::string const salt = fmt::format("mnemonic{}", password);
  Digest64 derived{};
  int const done =
      PKCS5_PBKDF2_HMAC(AsText(entropy).data(), static_cast<int>(entropy.size()),
                        AsBytes(salt).data(), static_cast<int>(salt.size()), kRounds, EVP_sha512(),
                        static_cast<int>(derived.size()), derived.data());
  sodium_memzero(entropy.data(), entropy.size());
  if (done != 1) return Fail(Code::kInternal, "pbkdf2 failed");
  Seed seed(std::span<std::uint8_t const, 32>(derived.data(), 32));
  sodium_memzero(derived.data(), derived.size());
  return seed;
}

Result<Seed> SeedFromText(std::string_view text) {
  if (text.find_first_of(" \t\r\n") != std::string_view::npos) return MiniSecret(text);
  auto bytes = FromHex(text.starts_with("0x") ? text.substr(2) : text);
  if (!bytes || bytes->size() != 32)
    return Fail(Code::kInvalid, "expected a mnemonic or a seed of 64 hex digits");
  Seed seed(std::span<std::uint8_t const, 32>(bytes->data(), 32));
  sodium_memzero(bytes->data(), bytes->size());
  return seed;
}

// Here: programs that only look at signatures do without the words and OpenSSL.
Result<Signer> Signer::FromMnemonic(KeyType type, std::string_view words) {
  TRELLIS_TRY(auto const seed, MiniSecret(words));
  return FromSeed(type, seed.view());
}

}  // namespace trellis::crypto
