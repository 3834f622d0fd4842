#include "plugins/gateway/acme/jws.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/sha.h>

#include <array>
#include <vector>

namespace trellis::plugins::gateway {

namespace {

constexpr std::size_t kNumberBytes = 32;  // of P-256

using ContextPtr = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using SignaturePtr = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;
using RequestPtr = std::unique_ptr<X509_REQ, Freed<X509_REQ_free>>;

std::string_view View(unsigned char const* bytes, std::size_t size) {
  return {reinterpret_cast<char const*>(bytes), size};
}

Result<std::string> Number(BIGNUM const* number) {
  std::array<unsigned char, kNumberBytes> bytes{};
  if (BN_bn2binpad(number, bytes.data(), bytes.size()) < 0) return FailSsl("write a number");
  return std::string(View(bytes.data(), bytes.size()));
}

Result<std::string> Coordinate(EVP_PKEY* key, char const* name) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return FailSsl("read a key");
  BignumPtr const number(raw);
  TRELLIS_TRY(auto const bytes, Number(number.get()));
  return Base64Url(bytes);
}

/// The two numbers of a signature one after the other, not as OpenSSL packs
/// them.
Result<std::string> Sign(EVP_PKEY* key, std::string const& text) {
  ContextPtr const context(EVP_MD_CTX_new());
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) != 1)
    return FailSsl("sign");
  auto const* bytes = reinterpret_cast<unsigned char const*>(text.data());
  std::size_t size = 0;
  if (EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) != 1)
    return FailSsl("sign");
  std::vector<unsigned char> packed(size);
  if (EVP_DigestSign(context.get(), packed.data(), &size, bytes, text.size()) != 1)
    return FailSsl("sign");
  auto const* next = static_cast<unsigned char const*>(packed.data());
  SignaturePtr const signature(d2i_ECDSA_SIG(nullptr, &next, static_cast<long>(size)));
  if (signature == nullptr) return FailSsl("sign");
  TRELLIS_TRY(auto const r, Number(ECDSA_SIG_get0_r(signature.get())));
  TRELLIS_TRY(auto const s, Number(ECDSA_SIG_get0_s(signature.get())));
  return r + s;
}

}  // namespace

std::string Base64Url(std::string_view bytes) {
  std::vector<unsigned char> text(4 * (bytes.size() / 3 + 1) + 1);
  int const size =
      EVP_EncodeBlock(text.data(), reinterpret_cast<unsigned char const*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  std::string out(View(text.data(), static_cast<std::size_t>(size)));
  for (auto& c : out) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return out.substr(0, out.find('='));
}

Result<std::string> PublicJwk(EVP_PKEY* key) {
  TRELLIS_TRY(auto const x, Coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X));
  TRELLIS_TRY(auto const y, Coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y));
  return fmt::format(R"({{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}})", x, y);
}

std::string Digest(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<unsigned char const*>(text.data()), text.size(), digest.data());
  return std::string(View(digest.data(), digest.size()));
}

Result<std::string> Thumbprint(EVP_PKEY* key) {
  TRELLIS_TRY(auto const jwk, PublicJwk(key));
  return Base64Url(Digest(jwk));
}

Result<std::string> SignedBody(EVP_PKEY* key, std::string const& header,
                               std::string const& payload) {
  auto const head = Base64Url(fmt::format(R"({{"alg":"ES256",{}}})", header));
  auto const body = Base64Url(payload);
  TRELLIS_TRY(auto const signature, Sign(key, head + "." + body));
  return fmt::format(R"({{"protected":"{}","payload":"{}","signature":"{}"}})", head, body,
                     Base64Url(signature));
}

Result<std::string> CertificateRequest(EVP_PKEY* key, std::vector<std::string> const& names) {
  RequestPtr const request(X509_REQ_new());
  auto const text = fmt::format("DNS:{}", fmt::join(names, ",DNS:"));
  ExtensionPtr const extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, text.c_str()));
  std::unique_ptr<STACK_OF(X509_EXTENSION), void (*)(STACK_OF(X509_EXTENSION)*)> const list(
      sk_X509_EXTENSION_new_null(),
      [](STACK_OF(X509_EXTENSION) * all) { sk_X509_EXTENSION_free(all); });
  bool const made = request != nullptr && extension != nullptr && list != nullptr &&
                    sk_X509_EXTENSION_push(list.get(), extension.get()) > 0 &&
                    X509_REQ_add_extensions(request.get(), list.get()) == 1 &&
                    X509_REQ_set_pubkey(request.get(), key) == 1 &&
                    X509_REQ_sign(request.get(), key, EVP_sha256()) > 0;
  unsigned char* der = nullptr;
  int const size = made ? i2d_X509_REQ(request.get(), &der) : -1;
  if (size <= 0) return FailSsl("make a certificate request");
  std::string out(View(der, static_cast<std::size_t>(size)));
  OPENSSL_free(der);
  return out;
}

}  // namespace trellis::plugins::gateway
