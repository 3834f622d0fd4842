#include "kernel/rmb/relay/ranking.hpp"

#include "kernel/base/random.hpp"
#include "kernel/rmb/relay/domains.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace trellis::rmb {
namespace {

constexpr std::size_t kMaxFailures = 1000;  // remembered of one relay
constexpr std::size_t kMaxRelays = 10000;   // remembered at all
constexpr std::uint64_t kTies = std::uint64_t{1} << 30U;

}  // namespace

Ranking::Record& Ranking::RecordOf(std::string const& domain) {
  auto name = NormaliseDomain(domain);
  if (records_.size() >= kMaxRelays && !records_.contains(name)) records_.erase(records_.begin());
  return records_[std::move(name)];
}

std::vector<std::string> Ranking::Order(std::vector<std::string> domains) {
  auto const since = clock_.UnixSeconds() - period_s_;
  std::vector<std::tuple<std::size_t, std::uint64_t, std::string>> order;
  for (auto& domain : domains) {
    auto& failures = RecordOf(domain).failures;
    while (!failures.empty() && failures.front() < since)
      failures.pop_front();
    order.emplace_back(failures.size(), RandomBelow(kTies), std::move(domain));
  }
  std::sort(order.begin(), order.end());
  std::vector<std::string> out;
  for (auto& [failures, tie, domain] : order)
    out.push_back(std::move(domain));
  return out;
}

void Ranking::Failed(std::string const& domain) {
  auto& record = RecordOf(domain);
  ++record.errors;
  record.failures.push_back(clock_.UnixSeconds());
  if (record.failures.size() > kMaxFailures) record.failures.pop_front();
}

std::string Ranking::MetricsText() const {
  std::string text = "# TYPE federation_message_success counter\n";
  for (auto const& [relay, record] : records_)
    text += fmt::format("federation_message_success{{relay=\"{}\"}} {}\n", relay, record.successes);
  text += "# TYPE federation_message_error counter\n";
  for (auto const& [relay, record] : records_)
    text += fmt::format("federation_message_error{{relay=\"{}\"}} {}\n", relay, record.errors);
  return text;
}

}  // namespace trellis::rmb
