#include "plugins/flist/rfs/block.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <snappy.h>
#include <sodium.h>

#include <memory>
#include <span>

namespace trellis::plugins::flist {

namespace {

constexpr std::size_t kTag = 16;
constexpr std::size_t kNonce = 12;

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

unsigned char const* Bytes(std::string_view text) {
  return reinterpret_cast<unsigned char const*>(text.data());
}
unsigned char* Bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

// The nonce is the beginning of the key, which is a digest of the content: a key is never used for
// two contents.
std::span<unsigned char const, kNonce> NonceOf(Digest const& key) {
  return std::span(key).first<kNonce>();
}

bool SodiumEncrypt(Digest const& key, std::string_view plain, std::string& out) {
  return crypto_aead_aes256gcm_encrypt(Bytes(out), nullptr, Bytes(plain), plain.size(), nullptr, 0,
                                       nullptr, NonceOf(key).data(), key.data()) == 0;
}

bool SodiumDecrypt(Digest const& key, std::string_view sealed, std::string& out) {
  return crypto_aead_aes256gcm_decrypt(Bytes(out), nullptr, nullptr, Bytes(sealed), sealed.size(),
                                       nullptr, 0, NonceOf(key).data(), key.data()) == 0;
}

bool OpenSslEncrypt(Digest const& key, std::string_view plain, std::string& out) {
  Context const context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int size = 0;
  return context &&
         EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(),
                            NonceOf(key).data()) == 1 &&
         EVP_EncryptUpdate(context.get(), Bytes(out), &size, Bytes(plain),
                           static_cast<int>(plain.size())) == 1 &&
         EVP_EncryptFinal_ex(context.get(), Bytes(out) + size, &size) == 1 &&
         EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTag,
                             Bytes(out) + plain.size()) == 1;
}

bool OpenSslDecrypt(Digest const& key, std::string_view sealed, std::string& out) {
  Context const context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  std::string tag(sealed.substr(sealed.size() - kTag));
  int size = 0;
  return context &&
         EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(),
                            NonceOf(key).data()) == 1 &&
         EVP_DecryptUpdate(context.get(), Bytes(out), &size, Bytes(sealed),
                           static_cast<int>(sealed.size() - kTag)) == 1 &&
         EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTag, tag.data()) == 1 &&
         EVP_DecryptFinal_ex(context.get(), Bytes(out) + size, &size) == 1;
}

tl::unexpected<Error> Damaged(BlockRef const& ref, std::string_view why) {
  return Fail(Code::kDecode, "block '{}' is damaged: {}", HexOf(ref.id), why);
}

}  // namespace

Digest DigestBytes(std::string_view bytes) {
  Digest digest{};
  crypto_generichash(digest.data(), digest.size(), Bytes(bytes), bytes.size(), nullptr, 0);
  return digest;
}

std::string HexOf(Digest const& digest) {
  std::string text;
  text.reserve(2 * digest.size());
  for (auto const byte : digest)
    fmt::format_to(std::back_inserter(text), "{:02x}", byte);
  return text;
}

Cipher BestCipher() {
  static bool const kSodiumWorks = sodium_init() >= 0 && crypto_aead_aes256gcm_is_available() == 1;
  return kSodiumWorks ? Cipher::kSodium : Cipher::kOpenSsl;
}

Result<SealedBlock> SealBlock(std::string_view plain, Cipher cipher) {
  if (plain.size() > kBlockBytes)
    return Fail(Code::kInvalid, "a block has at most {} bytes", kBlockBytes);
  SealedBlock block;
  block.ref.key = DigestBytes(plain);
  std::string packed;
  snappy::Compress(plain.data(), plain.size(), &packed);
  block.bytes.resize(packed.size() + kTag);
  bool const sealed = cipher == Cipher::kSodium
                          ? SodiumEncrypt(block.ref.key, packed, block.bytes)
                          : OpenSslEncrypt(block.ref.key, packed, block.bytes);
  if (!sealed) return Fail(Code::kInternal, "a block was not encrypted");
  block.ref.id = DigestBytes(block.bytes);
  return block;
}

Result<std::string> OpenBlock(BlockRef const& ref, std::string_view sealed, Cipher cipher) {
  if (sealed.size() < kTag || sealed.size() > kMaxSealedBytes) return Damaged(ref, "its size");
  if (DigestBytes(sealed) != ref.id) return Damaged(ref, "its content is another one");
  std::string packed(sealed.size() - kTag, '\0');
  bool const opened = cipher == Cipher::kSodium ? SodiumDecrypt(ref.key, sealed, packed)
                                                : OpenSslDecrypt(ref.key, sealed, packed);
  if (!opened) return Damaged(ref, "the key is not its own");
  std::size_t size = 0;
  if (!snappy::GetUncompressedLength(packed.data(), packed.size(), &size) || size > kBlockBytes)
    return Damaged(ref, "its content is too long");
  std::string plain(size, '\0');
  if (!snappy::RawUncompress(packed.data(), packed.size(), plain.data()))
    return Damaged(ref, "it does not unpack");
  // The cipher alone would open one block to another content for each of two keys.
  if (DigestBytes(plain) != ref.key) return Damaged(ref, "the key is not that of its content");
  return plain;
}

}  // namespace trellis::plugins::flist
