#include "plugins/gateway/certs/openssl.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>

namespace trellis::plugins::gateway {

namespace {

using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;

BioPtr Reader(std::string const& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

template <class Write>
Result<std::string> TextOf(Write&& write) {
  BioPtr const bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || !write(bio.get())) return FailSsl("write pem");
  char* data = nullptr;
  auto const size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

}  // namespace

tl::unexpected<Error> FailSsl(std::string_view what) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return Fail(Code::kInternal, "cannot {}: {}", what, text.data());
}

Result<PkeyPtr> MakeKey() {
  PkeyPtr key(EVP_EC_gen("P-256"));
  if (key == nullptr) return FailSsl("make a key");
  return key;
}

Result<PkeyPtr> ReadKey(std::string const& pem) {
  auto const bio = Reader(pem);
  PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (key == nullptr) return FailSsl("read a key");
  return key;
}

Result<X509Ptr> ReadCertificate(std::string const& pem) {
  auto const bio = Reader(pem);
  X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) return FailSsl("read a certificate");
  return certificate;
}

Result<std::string> KeyText(EVP_PKEY* key) {
  return TextOf([&](BIO* bio) {
    return PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr) == 1;
  });
}

Result<std::string> CertificateText(X509* certificate) {
  return TextOf([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate) == 1; });
}

}  // namespace trellis::plugins::gateway
