#include "plugins/gateway/data.hpp"

#include "plugins/gateway/backend.hpp"

#include <algorithm>
#include <string_view>

namespace trellis::plugins::gateway {
namespace {

constexpr std::size_t kMinTopLabel = 2;

bool IsLabel(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

// Two labels at least, the last one of two characters at least, no dot at the end.
bool IsDomain(std::string_view text) {
  auto const last = text.rfind('.');
  if (last == std::string_view::npos) return false;
  auto const top = text.substr(last + 1);
  if (!IsLabel(top) || top.size() < kMinTopLabel) return false;
  for (std::size_t start = 0; start <= last;) {
    auto const dot = text.find('.', start);
    if (!IsLabel(text.substr(start, dot - start))) return false;
    start = dot + 1;
  }
  return true;
}

}  // namespace

Result<void> Target::ValidBackends() const {
  if (backends.empty()) return Invalid("gw_no_backends", "backends list can not be empty");
  for (auto const& backend : backends) {
    if (auto const read = ReadBackend(backend, tls_passthrough); !read)
      return Invalid("gw_backend", "{}", read.error().message);
  }
  return {};
}

void Target::AddTo(ChallengeWriter& out) const {
  out.Add(tls_passthrough);
  for (auto const& backend : backends)
    out.Add(backend);
  if (network) out.Add(*network);
}

std::vector<std::string> Target::Dependencies() const {
  if (!network || network->empty()) return {};
  return {*network};
}

Result<void> NameProxy::Valid(WorkloadGetter const&) const {
  if (!IsLabel(name)) return Invalid("gw_name", "invalid gateway name '{}'", name);
  return ValidBackends();
}

void NameProxy::Challenge(ChallengeWriter& out) const {
  out.Add(name);
  AddTo(out);
}

Result<void> FqdnProxy::Valid(WorkloadGetter const&) const {
  return ValidForm();
}

Result<void> FqdnProxy::ValidForm() const {
  if (!IsDomain(fqdn)) return Invalid("gw_fqdn", "invalid domain '{}'", fqdn);
  return ValidBackends();
}

void FqdnProxy::Challenge(ChallengeWriter& out) const {
  out.Add(fqdn);
  AddTo(out);
}

}  // namespace trellis::plugins::gateway
