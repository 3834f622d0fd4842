#include "kernel/rmb/token.hpp"

#include "kernel/rmb/envelope.hpp"

#include <trellis/json.hpp>

namespace trellis::rmb {
namespace {

struct Header {
  std::string alg;
  std::optional<std::string> typ;
};
BOOST_DESCRIBE_STRUCT(Header, (), (alg, typ))

constexpr char const* kAlgorithm = "RS512";  // a fixed label of this protocol, not RSA

template <class T>
Result<T> DecodePart(std::string_view part, std::string_view name) {
  TRELLIS_TRY(auto const bytes, crypto::FromBase64Url(part));
  auto const value = json::ParseValue(crypto::AsText(bytes));
  if (!value || !value->is_object()) return Fail(Code::kDecode, "{} is not a json object", name);
  return json::Parse<T>(crypto::AsText(bytes));
}

}  // namespace

std::string MakeToken(TokenClaims const& claims, crypto::Signer const& signer) {
  auto const header = json::Dump(Header{kAlgorithm, "JWT"});
  auto text = crypto::Base64Url(crypto::AsBytes(header)) + "." +
              crypto::Base64Url(crypto::AsBytes(json::Dump(claims)));
  auto const signature = PrefixedSignature(signer, crypto::AsBytes(text));
  return text + "." + crypto::Base64Url(crypto::AsBytes(signature));
}

Result<Token> ParseToken(std::string_view text) {
  auto const first = text.find('.');
  auto const second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos)
    return Fail(Code::kDecode, "expected three parts");
  TRELLIS_TRY(auto const header, DecodePart<Header>(text.substr(0, first), "header"));
  if (header.alg != kAlgorithm) return Fail(Code::kDecode, "unexpected algorithm '{}'", header.alg);
  if (header.typ.has_value() && *header.typ != "JWT")
    return Fail(Code::kDecode, "unexpected type '{}'", *header.typ);
  Token token;
  TRELLIS_TRY(token.claims,
              DecodePart<TokenClaims>(text.substr(first + 1, second - first - 1), "claims"));
  TRELLIS_TRY(auto const signature, crypto::FromBase64Url(text.substr(second + 1)));
  token.signed_text = text.substr(0, second);
  token.signature = crypto::AsText(signature);
  return token;
}

Result<void> CheckTokenTime(Token const& token, std::int64_t now, std::int64_t leeway_s) {
  if (now - leeway_s > token.claims.exp) return Fail(Code::kDenied, "token has expired");
  return {};
}

Result<void> CheckTokenSignature(Token const& token, crypto::PublicKey const& public_key) {
  if (!VerifyPrefixed(token.signature, public_key, crypto::AsBytes(token.signed_text)))
    return Fail(Code::kDenied, "invalid signature");
  return {};
}

Result<void> CheckToken(Token const& token, crypto::PublicKey const& public_key, std::int64_t now,
                        std::int64_t leeway_s) {
  TRELLIS_CHECK(CheckTokenTime(token, now, leeway_s));
  return CheckTokenSignature(token, public_key);
}

}  // namespace trellis::rmb
