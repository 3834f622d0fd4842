// OpenSSL's objects as owned values, and their PEM texts.
#pragma once

#include <trellis/result.hpp>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

namespace trellis::plugins::gateway {

template <auto Function>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Function(object);
  }
};
using PkeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;
using BignumPtr = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;

/// kInternal with what the library says, never with secrets.
tl::unexpected<Error> FailSsl(std::string_view what);
/// A new P-256 key.
Result<PkeyPtr> MakeKey();
Result<PkeyPtr> ReadKey(std::string const& pem);
/// The first certificate of the text.
Result<X509Ptr> ReadCertificate(std::string const& pem);
Result<std::string> KeyText(EVP_PKEY* key);
Result<std::string> CertificateText(X509* certificate);

}  // namespace trellis::plugins::gateway
