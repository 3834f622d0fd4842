// The token a session shows when it connects to a relay: a JSON web token signed with the twin's
// account key.
#pragma once

#include "kernel/crypto/keys.hpp"

#include <trellis/result.hpp>

#include <boost/describe.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace trellis::rmb {

struct TokenClaims {
  std::uint32_t sub = 0;  ///< twin
  std::int64_t iat = 0;   ///< unix seconds
  std::int64_t exp = 0;
  std::optional<std::string> sid;  ///< session name
};

BOOST_DESCRIBE_STRUCT(TokenClaims, (), (sub, iat, exp, sid))

/// A parsed token whose signature is not checked yet.
struct Token {
  TokenClaims claims;
  std::string signed_text;  ///< `header.claims`
  std::string signature;
};

[[nodiscard]] std::string MakeToken(TokenClaims const& claims, crypto::Signer const& signer);
/// kDecode: form, JSON, types, algorithm label.
Result<Token> ParseToken(std::string_view text);
/// kDenied: expired, with `leeway_s` of grace.
Result<void> CheckTokenTime(Token const& token, std::int64_t now, std::int64_t leeway_s);
/// kDenied: does not match.
Result<void> CheckTokenSignature(Token const& token, crypto::PublicKey const& public_key);
/// kDenied: expired (with `leeway_s` of grace) or a signature that does not match.
Result<void> CheckToken(Token const& token, crypto::PublicKey const& public_key, std::int64_t now,
                        std::int64_t leeway_s);

}  // namespace trellis::rmb
