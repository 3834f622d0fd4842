// Signed requests as certificate authorities want them (RFC 7515, ES256).
#pragma once

#include "plugins/gateway/certs/openssl.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::gateway {

std::string Base64Url(std::string_view bytes);
/// The public half of a P-256 key as JSON, members in the order that a
/// thumbprint needs.
Result<std::string> PublicJwk(EVP_PKEY* key);
/// SHA-256.
std::string Digest(std::string_view text);
/// SHA-256 of the public half, which answers of challenges end with.
Result<std::string> Thumbprint(EVP_PKEY* key);
/// The whole body of a request: `header` is the protected header without `alg`.
Result<std::string> SignedBody(EVP_PKEY* key, std::string const& header,
                               std::string const& payload);
/// A certificate request for these names (DER).
Result<std::string> CertificateRequest(EVP_PKEY* key, std::vector<std::string> const& names);

}  // namespace trellis::plugins::gateway
