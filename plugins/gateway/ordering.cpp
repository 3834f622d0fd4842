// Certificates of the routes: ordered, proved, taken, renewed.
#include "plugins/gateway/gateway.hpp"

#include <algorithm>

namespace trellis::plugins::gateway {

namespace {

constexpr std::chrono::minutes kRenewEvery{60};
constexpr std::chrono::seconds kProofLimit{40};

}  // namespace

bool Gateway::IsOrderedFor(std::string const& order) const {
  return std::ranges::any_of(routes_.all(), [&](auto const& entry) {
    return certificates_.OrderOf(entry.second) == order;
  });
}

void Gateway::OrderCertificate(RouteRecord const& route) {
  auto const order = certificates_.OrderOf(route);
  if (certificates_.Needs(order)) orders_.Want(order);
}

Result<void> Gateway::ProveByHttp(std::string const& token, std::string const& answer) {
  std::scoped_lock const lock(mutex_);
  if (!proxy_.running()) return Fail(Code::kUnavailable, "the proxy does not run");
  return proxy_.SetChallenge(token, answer);
}

// The node answers names only as long as an order runs.
Result<void> Gateway::ProveByDns(std::string const& domain, std::vector<std::string> const& texts) {
  OwnCall own(host_, kProofLimit);
  TRELLIS_TRY(auto const facts, KnownFacts(own.call()));
  if (!facts.config) return Fail(Code::kUnavailable, "the node has no public configuration");
  std::scoped_lock const lock(mutex_);
  proves_by_dns_ = !texts.empty();
  if (proves_by_dns_) return forwards_.ServeNames(own.call(), domain, texts, facts);
  TRELLIS_CHECK(forwards_.StopNames());
  return EndForwarder(own.call());
}

void Gateway::Ordered(std::string const& order, Result<std::string> const& pem) {
  if (!pem) {
    host_.Warn("certificate not issued, trying again later",
               {{"domain", json::Encode(order)}, {"error", json::Encode(pem.error().message)}});
    return;
  }
  std::scoped_lock const lock(mutex_);
  auto done = certificates_.Keep(order, *pem);
  if (done && IsOrderedFor(order) && proxy_.running())
    done = order == fmt::format("{}{}", kWildcard, Facts().domain())
               ? proxy_.SetFallback(*pem)
               : proxy_.SetCertificate(order, *pem);
  if (!done) {
    host_.Warn("certificate not taken",
               {{"domain", json::Encode(order)}, {"error", json::Encode(done.error().message)}});
    return;
  }
  host_.Info("certificate issued", {{"domain", json::Encode(order)}});
}

// Files may change at any time; what the node signs itself lasts for a year.
Result<void> Gateway::RefreshCertificates() {
  if (config_.tls != "files" && std::chrono::steady_clock::now() < next_certificates_) return {};
  next_certificates_ = std::chrono::steady_clock::now() + kRenewEvery;
  TRELLIS_TRY(auto const fallback, certificates_.Fallback(Facts().domain()));
  TRELLIS_CHECK(proxy_.SetFallback(fallback));
  for (auto const& [id, route] : routes_.all()) {
    TRELLIS_TRY(auto const pem, certificates_.For(route));
    if (!pem.empty()) TRELLIS_CHECK(proxy_.SetCertificate(route.fqdn, pem));
    OrderCertificate(route);
  }
  return {};
}

}  // namespace trellis::plugins::gateway
