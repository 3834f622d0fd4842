#include "plugins/gateway/certs/node_ca.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/gateway/certs/openssl.hpp"

#include <openssl/rand.h>

#include <array>

namespace trellis::plugins::gateway {

namespace {

constexpr std::size_t kMaxPem = std::size_t{64} << 10;
constexpr long kDay = 24L * 3600;
constexpr long kCaLife = 3650 * kDay;
constexpr long kLeafLife = 397 * kDay;
/// Clocks of clients may be behind.
constexpr long kBackdated = kDay;
constexpr std::size_t kSerialBytes = 16;

Result<void> Name(X509* certificate, std::string const& common_name) {
  auto* const name = X509_get_subject_name(certificate);
  auto const* text = reinterpret_cast<unsigned char const*>(common_name.c_str());
  if (X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) != 1)
    return FailSsl("name a certificate");
  return {};
}

Result<void> Extend(X509* certificate, X509* issuer, int kind, std::string const& value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  ExtensionPtr const extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1)
    return FailSsl("extend a certificate");
  return {};
}

/// Version, serial number and times; everything but names and signature.
Result<X509Ptr> Blank(EVP_PKEY* key, long life) {
  X509Ptr certificate(X509_new());
  std::array<unsigned char, kSerialBytes> serial{};
  if (certificate == nullptr || RAND_bytes(serial.data(), serial.size()) != 1)
    return FailSsl("make a certificate");
  serial[0] &= 0x7fU;  // serial numbers are positive
  BignumPtr const number(BN_bin2bn(serial.data(), serial.size(), nullptr));
  if (X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate.get())) == nullptr ||
      X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kBackdated) == nullptr ||
      X509_gmtime_adj(X509_getm_notAfter(certificate.get()), life) == nullptr ||
      X509_set_pubkey(certificate.get(), key) != 1)
    return FailSsl("fill a certificate");
  return certificate;
}

Result<X509Ptr> MakeAuthority(EVP_PKEY* key) {
  TRELLIS_TRY(auto certificate, Blank(key, kCaLife));
  auto* const raw = certificate.get();
  TRELLIS_CHECK(Name(raw, "Trellis node"));
  if (X509_set_issuer_name(raw, X509_get_subject_name(raw)) != 1)
    return FailSsl("name a certificate");
  TRELLIS_CHECK(Extend(raw, raw, NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
  TRELLIS_CHECK(Extend(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign"));
  TRELLIS_CHECK(Extend(raw, raw, NID_subject_key_identifier, "hash"));
  if (X509_sign(raw, key, EVP_sha256()) == 0) return FailSsl("sign a certificate");
  return certificate;
}

}  // namespace

struct NodeCa::Keys {
  PkeyPtr key;
  X509Ptr certificate;
};

NodeCa::NodeCa(std::unique_ptr<Keys> keys, std::string pem)
    : keys_(std::move(keys)), pem_(std::move(pem)) {}
NodeCa::~NodeCa() = default;

Result<std::unique_ptr<NodeCa>> NodeCa::Open(std::string const& dir) {
  auto const key_file = dir + "/ca.key";
  auto const certificate_file = dir + "/ca.pem";
  auto keys = std::make_unique<Keys>();
  if (auto const text = ReadFile(key_file, kMaxPem)) {
    TRELLIS_TRY(keys->key, ReadKey(*text));
  } else {
    TRELLIS_TRY(keys->key, MakeKey());
    TRELLIS_TRY(auto const pem, KeyText(keys->key.get()));
    TRELLIS_CHECK(WriteFile(key_file, pem, 0600));
  }
  if (auto const text = ReadFile(certificate_file, kMaxPem)) {
    TRELLIS_TRY(keys->certificate, ReadCertificate(*text));
  } else {
    TRELLIS_TRY(keys->certificate, MakeAuthority(keys->key.get()));
    TRELLIS_TRY(auto const pem, CertificateText(keys->certificate.get()));
    TRELLIS_CHECK(WriteFile(certificate_file, pem, 0644));
  }
  TRELLIS_TRY(auto pem, CertificateText(keys->certificate.get()));
  return std::unique_ptr<NodeCa>(new NodeCa(std::move(keys), std::move(pem)));
}

Result<std::string> NodeCa::Issue(std::vector<std::string> const& names) const {
  TRELLIS_TRY(auto const key, MakeKey());
  TRELLIS_TRY(auto const certificate, Blank(key.get(), kLeafLife));
  auto* const raw = certificate.get();
  auto* const issuer = keys_->certificate.get();
  TRELLIS_CHECK(Name(raw, "Trellis gateway"));
  if (X509_set_issuer_name(raw, X509_get_subject_name(issuer)) != 1)
    return FailSsl("name a certificate");
  TRELLIS_CHECK(Extend(raw, issuer, NID_basic_constraints, "critical,CA:FALSE"));
  TRELLIS_CHECK(Extend(raw, issuer, NID_key_usage, "critical,digitalSignature"));
  TRELLIS_CHECK(Extend(raw, issuer, NID_ext_key_usage, "serverAuth"));
  TRELLIS_CHECK(
      Extend(raw, issuer, NID_subject_alt_name, fmt::format("DNS:{}", fmt::join(names, ",DNS:"))));
  TRELLIS_CHECK(Extend(raw, issuer, NID_authority_key_identifier, "keyid"));
  if (X509_sign(raw, keys_->key.get(), EVP_sha256()) == 0) return FailSsl("sign a certificate");
  TRELLIS_TRY(auto const leaf, CertificateText(raw));
  TRELLIS_TRY(auto const secret, KeyText(key.get()));
  return leaf + pem_ + secret;
}

bool IsCertificate(std::string const& pem) {
  auto const certificate = ReadCertificate(pem);
  auto const key = ReadKey(pem);
  bool const fits =
      certificate && key && X509_check_private_key(certificate->get(), key->get()) == 1;
  return fits;
}

bool IsFresh(std::string const& pem) {
  auto const certificate = ReadCertificate(pem);
  if (!certificate) return false;
  constexpr long kParts = 3;
  int days = 0;
  int seconds = 0;
  auto const* begin = X509_get0_notBefore(certificate->get());
  auto const* end = X509_get0_notAfter(certificate->get());
  if (ASN1_TIME_diff(&days, &seconds, begin, end) != 1) return false;
  auto const life = days * kDay + seconds;
  if (ASN1_TIME_diff(&days, &seconds, nullptr, end) != 1) return false;
  return (days * kDay + seconds) > life / kParts;
}

}  // namespace trellis::plugins::gateway
