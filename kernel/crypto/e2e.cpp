#include "kernel/crypto/e2e.hpp"

#include "kernel/crypto/hash.hpp"

#include <openssl/evp.h>
#include <secp256k1.h>
#include <secp256k1_ecdh.h>

#include <algorithm>
#include <limits>
#include <memory>

namespace trellis::crypto {
namespace {

struct CipherFree {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
struct CurveFree {
  void operator()(secp256k1_context* context) const { secp256k1_context_destroy(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, CipherFree>;
using CurveContext = std::unique_ptr<secp256k1_context, CurveFree>;

constexpr std::size_t kMaxPlainBytes = std::numeric_limits<int>::max() - kBoxOverhead;

// Blinded with random bytes against side channels; read-only afterwards, so shared by all threads.
secp256k1_context const* Curve() {
  static CurveContext const context = [] {
    CurveContext made(secp256k1_context_create(SECP256K1_CONTEXT_SIGN));
    std::array<std::uint8_t, 32> random{};
    FillRandom(random);
    static_cast<void>(secp256k1_context_randomize(made.get(), random.data()) == 1);
    return made;
  }();
  return context.get();
}

int CopyX(unsigned char* output, unsigned char const* x, unsigned char const* /*y*/,
          void* /*data*/) {
  std::copy_n(x, 32, output);
  return 1;
}

}  // namespace

Result<E2ePublicKey> PublicKeyOf(std::span<std::uint8_t const, 32> seed) {
  secp256k1_pubkey point{};
  if (secp256k1_ec_pubkey_create(Curve(), &point, seed.data()) != 1)
    return Fail(Code::kInvalid, "the seed is no secp256k1 secret key");
  E2ePublicKey out{};
  std::size_t size = out.size();
  secp256k1_ec_pubkey_serialize(Curve(), out.data(), &size, &point, SECP256K1_EC_COMPRESSED);
  return out;
}

Result<SharedKey> Agree(std::span<std::uint8_t const, 32> seed, BytesView peer_public_key) {
  secp256k1_pubkey point{};
  if (peer_public_key.empty() || secp256k1_ec_pubkey_parse(Curve(), &point, peer_public_key.data(),
                                                           peer_public_key.size()) != 1)
    return Fail(Code::kInvalid, "the peer's encryption key is no secp256k1 public key");
  std::array<std::uint8_t, 32> x{};
  if (secp256k1_ecdh(Curve(), x.data(), &point, seed.data(), &CopyX, nullptr) != 1)
    return Fail(Code::kInvalid, "the seed is no secp256k1 secret key");
  return Sha256(x);
}

Result<Bytes> Seal(SharedKey const& key, BytesView plain) {
  std::array<std::uint8_t, kBoxNonceBytes> nonce{};
  FillRandom(nonce);
  return SealWithNonce(key, nonce, plain);
}

Result<Bytes> SealWithNonce(SharedKey const& key,
                            std::span<std::uint8_t const, kBoxNonceBytes> nonce, BytesView plain) {
  if (plain.size() > kMaxPlainBytes)
    return Fail(Code::kExhausted, "payload of {} bytes is too long", plain.size());
  Bytes box(kBoxOverhead + plain.size());
  std::copy(nonce.begin(), nonce.end(), box.begin());
  auto* const text = box.data() + kBoxNonceBytes;
  CipherContext const cipher(EVP_CIPHER_CTX_new());
  int written = 0;
  bool done = cipher && EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(),
                                           nonce.data()) == 1;
  if (done && !plain.empty()) {
    done = EVP_EncryptUpdate(cipher.get(), text, &written, plain.data(),
                             static_cast<int>(plain.size())) == 1;
  }
  done = done && EVP_EncryptFinal_ex(cipher.get(), text + written, &written) == 1 &&
         EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kBoxTagBytes,
                             text + plain.size()) == 1;
  if (!done) return Fail(Code::kInternal, "aes-256-gcm encryption failed");
  return box;
}

Result<Bytes> Open(SharedKey const& key, BytesView box) {
  if (box.size() < kBoxOverhead)
    return Fail(Code::kDenied, "encrypted payload of {} bytes is too short", box.size());
  if (box.size() > kMaxPlainBytes)
    return Fail(Code::kDenied, "encrypted payload of {} bytes is too long", box.size());
  auto const text = box.subspan(kBoxNonceBytes, box.size() - kBoxOverhead);
  Bytes tag(box.end() - kBoxTagBytes, box.end());
  Bytes plain(text.size());
  CipherContext const cipher(EVP_CIPHER_CTX_new());
  int written = 0;
  bool done = cipher && EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(),
                                           box.data()) == 1;
  if (done && !plain.empty()) {
    done = EVP_DecryptUpdate(cipher.get(), plain.data(), &written, text.data(),
                             static_cast<int>(text.size())) == 1;
  }
  done = done &&
         EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kBoxTagBytes, tag.data()) == 1 &&
         EVP_DecryptFinal_ex(cipher.get(), plain.data() + written, &written) == 1;
  if (!done) return Fail(Code::kDenied, "encrypted payload does not authenticate");
  return plain;
}

}  // namespace trellis::crypto
