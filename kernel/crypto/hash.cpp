#include "kernel/crypto/hash.hpp"

#include <openssl/evp.h>
#include <sodium.h>

#include <cstdlib>
#include <memory>

namespace trellis::crypto {

namespace {

// OpenSSL looks an algorithm up by name at every use, unless it is given what it found before.
EVP_MD const* FetchedMd5() {
  static EVP_MD const* const kMd5 = EVP_MD_fetch(nullptr, "MD5", nullptr);  // lives to the end
  return kMd5;
}

}  // namespace

Md5Digest Md5(BytesView data) {
  return Md5({data});
}

Md5Digest Md5(std::initializer_list<BytesView> parts) {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> const context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  Md5Digest out{};
  bool good = context != nullptr && EVP_DigestInit_ex2(context.get(), FetchedMd5(), nullptr) == 1;
  for (auto const part : parts)
    good = good && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  // MD5 sits in OpenSSL's default provider, which is always there; without it no hash can be right.
  if (!good || EVP_DigestFinal_ex(context.get(), out.data(), nullptr) != 1) std::abort();
  return out;
}

Digest32 Sha256(BytesView data) {
  Digest32 out{};
  crypto_hash_sha256(out.data(), data.data(), data.size());
  return out;
}

Digest64 Sha512(BytesView data) {
  Digest64 out{};
  crypto_hash_sha512(out.data(), data.data(), data.size());
  return out;
}

Digest32 Blake2b256(BytesView data) {
  Digest32 out{};
  crypto_generichash(out.data(), out.size(), data.data(), data.size(), nullptr, 0);
  return out;
}

Digest64 Blake2b512(BytesView data) {
  Digest64 out{};
  crypto_generichash(out.data(), out.size(), data.data(), data.size(), nullptr, 0);
  return out;
}

void FillRandom(std::span<std::uint8_t> out) {
  // Opening the generator by a first use is not safe for threads; a function-local static is.
  static bool const kReady = sodium_init() >= 0;
  if (!kReady) std::abort();
  randombytes_buf(out.data(), out.size());
}

}  // namespace trellis::crypto
