#include "kernel/crypto/hash.hpp"

#include <sodium.h>

#include <cstdlib>

namespace trellis::crypto {

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
