#include "tools/load/report.hpp"

#include <algorithm>

namespace trellis::load {
namespace {

constexpr double kGeneratorLimit =
    0.8;  // of a core; above it the generator may be what is measured

/// Percentiles in microseconds; sorts.
boost::json::object Percentiles(std::vector<double> values) {
  boost::json::object out{{"count", values.size()}};
  if (values.empty()) return out;
  std::sort(values.begin(), values.end());
  auto const at = [&](double share) {
    auto const index = static_cast<std::size_t>(share * static_cast<double>(values.size()));
    return values[std::min(index, values.size() - 1)];
  };
  out["p50_us"] = at(0.5);
  out["p90_us"] = at(0.9);
  out["p99_us"] = at(0.99);
  out["p999_us"] = at(0.999);
  out["max_us"] = values.back();
  return out;
}

bool InTimedPart(Findings const& findings, Fate const& fate) {
  return fate.due_us >= findings.begin.generator.time_us && fate.answered_us > 0;
}

double Seconds(Findings const& findings) {
  return (findings.end.generator.time_us - findings.begin.generator.time_us) / 1e6;
}

double GeneratorShare(Findings const& findings) {
  return (findings.end.generator.cpu_us - findings.begin.generator.cpu_us) /
         (findings.end.generator.time_us - findings.begin.generator.time_us);
}

/// Latencies by kind, errors by code, and what was sent and answered.
void AddTraffic(Findings const& findings, boost::json::object& out) {
  std::map<std::string, std::vector<double>> latencies;
  std::map<std::string, std::size_t> errors;
  std::size_t bytes = 0;
  std::size_t sent = 0;
  std::size_t good = 0;
  std::size_t late = 0;  // over a tenth of a second
  for (std::size_t i = 0; i < findings.fates->size(); ++i) {
    auto const& fate = (*findings.fates)[i];
    if (fate.due_us >= findings.begin.generator.time_us) ++sent;
    if (!InTimedPart(findings, fate)) continue;
    if (fate.code != kNoCode) {
      ++errors[std::to_string(fate.code)];
      continue;
    }
    ++good;
    bytes += fate.bytes;
    double const latency = fate.answered_us - fate.due_us;
    late += latency > 1e5 ? 1U : 0U;
    latencies[std::string(ToText((*findings.requests)[i].kind))].push_back(latency);
  }
  out["sent"] = sent;
  out["accepted"] = good;
  out["late"] = late;
  out["answer_bytes"] = bytes;
  out["errors"] = json::Encode(errors);
  boost::json::object accept;
  for (auto& [kind, values] : latencies)
    accept[kind] = Percentiles(std::move(values));
  out["accept"] = std::move(accept);
}

/// Mean latency of the slowest twin against that of the median twin.
double TwinSpread(Findings const& findings) {
  std::map<std::size_t, std::pair<double, std::size_t>> sums;
  for (std::size_t i = 0; i < findings.fates->size(); ++i) {
    auto const& fate = (*findings.fates)[i];
    if (!InTimedPart(findings, fate)) continue;
    auto& [sum, count] = sums[(*findings.requests)[i].session];
    sum += fate.answered_us - fate.due_us;
    ++count;
  }
  std::vector<double> means;
  for (auto const& [session, sum] : sums)
    means.push_back(sum.first / static_cast<double>(sum.second));
  if (means.empty()) return 0;
  std::sort(means.begin(), means.end());
  return means.back() / means[means.size() / 2];
}

void AddDaemon(Findings const& findings, boost::json::object& out) {
  auto const& [begin, end] = std::pair(findings.begin, findings.end);
  auto const jobs = static_cast<double>(end.counters.jobs_done - begin.counters.jobs_done);
  auto const accepted = out["accepted"].to_number<double>();
  double const cpu = end.daemon.cpu_us - begin.daemon.cpu_us;
  auto const commits = end.counters.store_commits - begin.counters.store_commits;
  auto const works = end.counters.store_works - begin.counters.store_works;
  out["settled"] = end.counters.jobs_done - begin.counters.jobs_done;
  out["settled_per_s"] = jobs / Seconds(findings);
  out["cpu_us"] = cpu;
  out["cpu_us_per_settled"] = jobs > 0 ? cpu / jobs : 0;
  out["cpu_us_per_answer"] = accepted > 0 ? cpu / accepted : 0;
  out["syncs"] = commits;
  out["records_per_sync"] =
      commits > 0 ? static_cast<double>(works) / static_cast<double>(commits) : 0;
  out["logged_bytes"] = (end.counters.store_pages - begin.counters.store_pages) * 4096;
  out["plugin_calls"] = end.counters.plugin_calls - begin.counters.plugin_calls;
  out["write_bytes"] = end.daemon.write_bytes - begin.daemon.write_bytes;
  out["voluntary_switches"] = end.daemon.voluntary_switches - begin.daemon.voluntary_switches;
  out["rss_kib"] = end.daemon.rss_kib;
  out["pss_kib"] = end.daemon.pss_kib;
  out["threads"] = end.daemon.threads;
  out["fds"] = end.daemon.fds;
}

boost::json::object CanaryJson(Canaries const& canaries) {
  return {{"verify_us", canaries.verify_us}, {"syncs_per_s", canaries.syncs_per_s}};
}

}  // namespace

std::string WhyVoid(Findings const& findings) {
  if (GeneratorShare(findings) > kGeneratorLimit)
    return fmt::format("the generator used {:.0f} % of a core", 100 * GeneratorShare(findings));
  if (findings.bad_answers > 0)
    return fmt::format("{} answers have no good signature", findings.bad_answers);
  if (findings.unconfirmed > 0)
    return fmt::format("{} of {} deployments looked at are not ok", findings.unconfirmed,
                       findings.unconfirmed + findings.confirmed);
  return {};
}

json::Value Report(Findings const& findings) {
  boost::json::object out;
  out["void"] = WhyVoid(findings);
  out["seconds"] = Seconds(findings);
  AddTraffic(findings, out);
  out["answers_per_s"] = out["accepted"].to_number<double>() / Seconds(findings);
  out["twin_spread"] = TwinSpread(findings);
  out["settle"] = Percentiles(findings.settle_us);
  if (findings.options->null_url.empty()) AddDaemon(findings, out);
  out["generator_cores"] = GeneratorShare(findings);
  out["pauses"] = findings.pauses;
  out["answers_checked"] = findings.checked_answers;
  out["confirmed"] = findings.confirmed;
  out["canary_before"] = CanaryJson(findings.before);
  out["canary_after"] = CanaryJson(findings.after);
  return out;
}

}  // namespace trellis::load
