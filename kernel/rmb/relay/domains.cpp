#include "kernel/rmb/relay/domains.hpp"

#include <algorithm>

namespace trellis::rmb {
namespace {

/// Host and port of `host`, `host:port`, `[v6]:port`.
std::pair<std::string_view, std::string_view> Split(std::string_view domain) {
  auto const colon = domain.rfind(':');
  bool const port =
      colon != std::string_view::npos && domain.find(']', colon) == std::string_view::npos;
  if (!port) return {domain, {}};
  return {domain.substr(0, colon), domain.substr(colon + 1)};
}

}  // namespace

std::string NormaliseDomain(std::string_view domain) {
  auto const letters =
      domain.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
  if (letters != 0 && letters != std::string_view::npos &&
      domain.substr(letters).starts_with(":/")) {
    domain.remove_prefix(letters + 2);
    if (domain.starts_with('/')) domain.remove_prefix(1);
  }
  while (domain.ends_with('/'))
    domain.remove_suffix(1);
  std::string out(domain);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

bool SameDomain(std::string_view a, std::string_view b) {
  auto const left = NormaliseDomain(a);
  auto const right = NormaliseDomain(b);
  if (left == right) return true;
  auto const [left_host, left_port] = Split(left);
  auto const [right_host, right_port] = Split(right);
  return left_host == right_host && (left_port.empty() || right_port.empty());
}

std::vector<std::string> DomainsOf(std::string_view relay) {
  constexpr std::size_t kMaxDomains = 4;
  constexpr std::size_t kMaxDomain = 253 + 16;  // a name, its scheme and its port
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:/[]";
  std::vector<std::string> out;
  while (!relay.empty() && out.size() < kMaxDomains) {
    auto const end = std::min(relay.find('_'), relay.size());
    auto const part = relay.substr(0, end);
    if (!part.empty() && part.size() <= kMaxDomain &&
        part.find_first_not_of(kLetters) == std::string_view::npos)
      out.emplace_back(part);
    relay.remove_prefix(std::min(end + 1, relay.size()));
  }
  return out;
}

bool NamesOneOf(std::string_view relay, std::vector<std::string> const& domains) {
  auto const named = DomainsOf(relay);
  return std::any_of(named.begin(), named.end(), [&](auto const& part) {
    return std::any_of(domains.begin(), domains.end(),
                       [&](auto const& own) { return SameDomain(part, own); });
  });
}

}  // namespace trellis::rmb
