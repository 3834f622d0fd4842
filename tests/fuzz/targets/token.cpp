// Tokens of sessions.
#include "kernel/rmb/token.hpp"

#include "tests/fuzz/target.hpp"

namespace trellis::fuzz::token {

void Run(std::string_view input);

void Run(std::string_view input) {
  auto const token = rmb::ParseToken(input);
  if (!token) return;
  Require(input.starts_with(token->signed_text), "the signed text is the token's");
  crypto::PublicKey const key{1};
  (void)rmb::CheckToken(*token, key, token->claims.iat, 30);  // only must not crash
}

}  // namespace trellis::fuzz::token
