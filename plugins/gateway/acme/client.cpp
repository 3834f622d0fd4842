#include "plugins/gateway/acme/client.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/gateway/acme/jws.hpp"

#include <algorithm>

namespace trellis::plugins::gateway {

namespace {

constexpr std::size_t kMaxKey = std::size_t{16} << 10;
/// Authorities refuse a nonce that is too old, and some now and then to see
/// what happens.
constexpr int kMaxTries = 10;
constexpr int kMaxLooks = 60;
constexpr long kFirstError = 400;

struct Problem {
  std::string type;
  std::string detail;
};
BOOST_DESCRIBE_STRUCT(Problem, (), (type, detail))
struct OfferedChallenge {
  std::string type;
  std::string url;
  std::string token;
  std::optional<Problem> error;
};
BOOST_DESCRIBE_STRUCT(OfferedChallenge, (), (type, url, token, error))
struct Authorization {
  std::string status;
  std::vector<OfferedChallenge> challenges;
};
BOOST_DESCRIBE_STRUCT(Authorization, (), (status, challenges))
struct OrderView {
  std::string status;
  std::vector<std::string> authorizations;
  std::string finalize;
  std::string certificate;
  std::optional<Problem> error;
};
BOOST_DESCRIBE_STRUCT(OrderView, (), (status, authorizations, finalize, certificate, error))
struct Status {
  std::string status;
};
BOOST_DESCRIBE_STRUCT(Status, (), (status))

/// What an authorization or an order says of its end.
std::string Reason(std::string const& body) {
  Problem problem;
  auto const order = json::Parse<OrderView>(body);
  if (order && order->error) problem = *order->error;
  auto const authorization = json::Parse<Authorization>(body);
  if (authorization) {
    for (auto const& challenge : authorization->challenges)
      if (challenge.error) problem = *challenge.error;
  }
  if (!problem.detail.empty()) return problem.detail;
  return problem.type.empty() ? "it does not say why" : problem.type;
}

/// Tokens become keys of the proxy's map, so nothing else may be in them.
bool IsToken(std::string_view token) {
  return !token.empty() && std::ranges::all_of(token, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

bool IsWildcard(std::string const& domain) {
  return domain.starts_with(kWildcard);
}

std::string BaseOf(std::string const& wildcard) {
  return wildcard.substr(kWildcard.size());
}

std::vector<std::string> NamesOf(std::string const& domain) {
  if (!IsWildcard(domain)) return {domain};
  return {domain, BaseOf(domain)};
}

std::string OrderText(std::vector<std::string> const& names) {
  std::vector<std::string> identifiers;
  identifiers.reserve(names.size());
  for (auto const& name : names)
    identifiers.push_back(fmt::format(R"({{"type":"dns","value":{}}})", json::Dump(name)));
  return fmt::format(R"({{"identifiers":[{}]}})", fmt::join(identifiers, ","));
}

}  // namespace

tl::unexpected<Error> AcmeClient::Refused(HttpAnswer const& answer) {
  asked_to_wait_ = answer.retry_after;
  constexpr long kServerError = 500;
  auto const problem = json::Parse<Problem>(answer.body).value_or(Problem{});
  return Fail(answer.status >= kServerError ? Code::kUnavailable : Code::kDenied,
              "the certificate authority refuses ({}): {}", answer.status,
              problem.detail.empty() ? problem.type : problem.detail);
}

Result<HttpAnswer> AcmeClient::AskOnce(std::string const& url, std::string const& payload) {
  if (nonce_.empty()) {
    TRELLIS_TRY(auto const fresh, http_.Get(directory_.newNonce));
    nonce_ = fresh.nonce;
  }
  std::string who;
  if (account_.empty()) {
    TRELLIS_TRY(auto const jwk, PublicJwk(key_.get()));
    who = "\"jwk\":" + jwk;
  } else {
    who = "\"kid\":" + json::Dump(account_);
  }
  auto const header =
      fmt::format(R"("nonce":{},"url":{},{})", json::Dump(nonce_), json::Dump(url), who);
  TRELLIS_TRY(auto const body, SignedBody(key_.get(), header, payload));
  TRELLIS_TRY(auto answer, http_.Post(url, body));
  nonce_ = answer.nonce;
  return answer;
}

Result<HttpAnswer> AcmeClient::Ask(std::string const& url, std::string const& payload) {
  for (int tries = 1;; ++tries) {
    TRELLIS_TRY(auto answer, AskOnce(url, payload));
    if (answer.status < kFirstError) return answer;
    auto const problem = json::Parse<Problem>(answer.body).value_or(Problem{});
    if (tries >= kMaxTries || !problem.type.ends_with(":badNonce")) return Refused(answer);
  }
}

Result<void> AcmeClient::Register() {
  if (!account_.empty()) return {};
  TRELLIS_TRY(auto const found, http_.Get(config_.directory));
  if (found.status >= kFirstError) return Refused(found);
  TRELLIS_TRY(directory_, json::Parse<Directory>(found.body));
  if (auto const kept = ReadFile(key_file_, kMaxKey)) {
    TRELLIS_TRY(key_, ReadKey(*kept));
  } else {
    TRELLIS_TRY(key_, MakeKey());
    TRELLIS_TRY(auto const text, KeyText(key_.get()));
    TRELLIS_CHECK(WriteFile(key_file_, text, 0600));
  }
  auto const contact = config_.email.empty() ? std::string()
                                             : fmt::format(R"(,"contact":[{}])",
                                                           json::Dump("mailto:" + config_.email));
  // One that exists is answered as if it were new.
  TRELLIS_TRY(auto const account,
              Ask(directory_.newAccount, R"({"termsOfServiceAgreed":true)" + contact + "}"));
  if (account.location.empty())
    return Fail(Code::kIo, "the certificate authority names no account");
  account_ = account.location;
  return {};
}

Result<std::string> AcmeClient::WaitFor(std::string const& url, std::string const& state,
                                        Pause const& pause) {
  for (int looks = 0; looks < kMaxLooks; ++looks) {
    TRELLIS_TRY(auto answer, Ask(url, ""));
    TRELLIS_TRY(auto const seen, json::Parse<Status>(answer.body));
    if (seen.status == state || seen.status == "valid") return std::move(answer.body);
    if (seen.status == "invalid") return Fail(Code::kDenied, "{}", Reason(answer.body));
    if (!pause()) return Fail(Code::kCancelled, "the order was ended");
  }
  return Fail(Code::kTimeout, "the certificate authority does not come to an end");
}

Result<std::vector<AcmeClient::Question>> AcmeClient::Questions(
    std::vector<std::string> const& authorizations, std::string_view kind) {
  std::vector<Question> questions;
  for (auto const& url : authorizations) {
    TRELLIS_TRY(auto const answer, Ask(url, ""));
    TRELLIS_TRY(auto const authorization, json::Parse<Authorization>(answer.body));
    if (authorization.status == "valid") continue;
    auto const offered = std::ranges::find(authorization.challenges, kind, &OfferedChallenge::type);
    if (offered == authorization.challenges.end() || !IsToken(offered->token))
      return Fail(Code::kUnsupported, "the certificate authority does not ask by {}", kind);
    questions.push_back({url, offered->url, offered->token});
  }
  return questions;
}

Result<void> AcmeClient::Show(std::vector<Question> const& questions, std::string const& domain) {
  TRELLIS_TRY(auto const print, Thumbprint(key_.get()));
  std::vector<std::string> texts;
  for (auto const& question : questions) {
    auto const answer = question.token + "." + print;
    if (IsWildcard(domain)) {
      texts.push_back(Base64Url(Digest(answer)));
    } else {
      TRELLIS_CHECK(proofs_.http(question.token, answer));
    }
  }
  return IsWildcard(domain) ? proofs_.dns(BaseOf(domain), texts) : Result<void>();
}

Result<void> AcmeClient::TakeBack(std::vector<Question> const& questions,
                                  std::string const& domain) {
  if (IsWildcard(domain)) return proofs_.dns(BaseOf(domain), {});
  for (auto const& question : questions)
    TRELLIS_CHECK(proofs_.http(question.token, ""));
  return {};
}

Result<void> AcmeClient::Answer(std::vector<Question> const& questions, Pause const& pause) {
  for (auto const& question : questions)
    TRELLIS_CHECK(Ask(question.challenge, "{}"));
  for (auto const& question : questions)
    TRELLIS_CHECK(WaitFor(question.authorization, "valid", pause));
  return {};
}

Result<void> AcmeClient::Prove(std::vector<std::string> const& authorizations,
                               std::string const& domain, Pause const& pause) {
  TRELLIS_TRY(auto const questions,
              Questions(authorizations, IsWildcard(domain) ? "dns-01" : "http-01"));
  if (questions.empty()) return {};
  auto proved = Show(questions, domain);
  if (proved) proved = Answer(questions, pause);
  auto const taken_back = TakeBack(questions, domain);
  if (proved) return taken_back;
  auto error = proved.error();
  if (error.code == Code::kDenied)
    error.message +=
        IsWildcard(domain)
            ? fmt::format(
                  "; '_acme-challenge.{0}' must have the NS record '{0}', which leads to "
                  "this node, whose port 53 must be reachable",
                  BaseOf(domain))
            : "; its DNS record must lead to this node, whose port 80 must be reachable";
  return tl::unexpected<Error>(std::move(error));
}

Result<std::string> AcmeClient::Order(std::string const& domain, Pause const& pause) {
  asked_to_wait_ = {};
  auto issued = Issue(domain, pause);
  if (issued) return issued;
  auto error = issued.error();
  return tl::unexpected<Error>(std::move(error).With("no certificate for '{}'", domain));
}

Result<std::string> AcmeClient::Issue(std::string const& domain, Pause const& pause) {
  TRELLIS_CHECK(Register());
  auto const names = NamesOf(domain);
  TRELLIS_TRY(auto const placed, Ask(directory_.newOrder, OrderText(names)));
  TRELLIS_TRY(auto const order, json::Parse<OrderView>(placed.body));
  TRELLIS_CHECK(Prove(order.authorizations, domain, pause));
  TRELLIS_TRY(auto const ready, WaitFor(placed.location, "ready", pause));
  TRELLIS_TRY(auto const key, MakeKey());
  TRELLIS_TRY(auto const request, CertificateRequest(key.get(), names));
  TRELLIS_CHECK(Ask(order.finalize, fmt::format(R"({{"csr":"{}"}})", Base64Url(request))));
  TRELLIS_TRY(auto const issued, WaitFor(placed.location, "valid", pause));
  TRELLIS_TRY(auto const view, json::Parse<OrderView>(issued));
  TRELLIS_TRY(auto const chain, Ask(view.certificate, ""));
  TRELLIS_TRY(auto const secret, KeyText(key.get()));
  auto pem = chain.body + (chain.body.ends_with('\n') ? "" : "\n") + secret;
  return pem;
}

}  // namespace trellis::plugins::gateway
