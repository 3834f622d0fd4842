// By itself: programs that need no more than the other hashes do without OpenSSL.
#include "kernel/crypto/hash.hpp"

#include <openssl/evp.h>

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

}  // namespace trellis::crypto
