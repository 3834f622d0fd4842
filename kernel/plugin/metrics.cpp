#include "kernel/plugin/metrics.hpp"

#include "kernel/plugin/metric_text.hpp"

#include <trellis/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace trellis::plugin {

namespace {

enum Kind : std::int32_t { kCounter, kGauge, kHistogram };

std::optional<std::string> Labels(std::string_view json) {
  if (json.empty()) return std::string();
  auto const values = json::Parse<std::map<std::string, std::string>>(json);
  if (!values) return std::nullopt;
  std::string out;
  for (auto const& [key, value] : *values) {
    if (!IsMetricName(key)) return std::nullopt;
    if (!out.empty()) out += ',';
    out += fmt::format("{}=\"{}\"", key, EscapeMetric(value, true));
  }
  return out;
}

}  // namespace

std::uint64_t Metrics::Define(std::string_view plugin, std::int32_t kind, std::string_view name,
                              std::string_view help, std::string_view labels) {
  auto const text = Labels(labels);
  if (kind < kCounter || kind > kHistogram || !IsMetricName(name) || !text) return 0;
  auto exported = ExportedMetric(plugin, name);
  auto const key = fmt::format("{}{{{}}}", exported, *text);
  std::lock_guard const lock(mutex_);
  if (auto const known = ids_.find(key); known != ids_.end())
    return metrics_[known->second - 1].kind == kind ? known->second : 0;
  auto const used = std::count_if(metrics_.begin(), metrics_.end(),
                                  [&](Metric const& other) { return other.plugin == plugin; });
  if (static_cast<std::size_t>(used) >= kMaxMetrics) return 0;
  Metric metric;
  metric.plugin = plugin;
  metric.name = std::move(exported);
  metric.help = EscapeMetric(help, false);
  metric.labels = *text;
  metric.kind = kind;
  metrics_.push_back(std::move(metric));
  ids_[key] = metrics_.size();
  return metrics_.size();
}

void Metrics::Record(std::uint64_t metric, double value) {
  std::lock_guard const lock(mutex_);
  if (metric == 0 || metric > metrics_.size() || !std::isfinite(value)) return;
  auto& entry = metrics_[metric - 1];
  switch (entry.kind) {
    case kCounter:
      if (value >= 0) entry.value += value;
      break;
    case kGauge:
      entry.value = value;
      break;
    default:
      entry.value += value;
      ++entry.count;
      for (std::size_t i = 0; i < kBuckets.size(); ++i)
        entry.buckets[i] += value <= kBuckets[i] ? 1 : 0;
  }
}

void Metrics::Print(std::string& out, Metric const& metric) {
  auto const labels = metric.labels.empty() ? std::string() : fmt::format("{{{}}}", metric.labels);
  if (metric.kind != kHistogram) {
    out += fmt::format("{}{} {}\n", metric.name, labels, metric.value);
    return;
  }
  auto const comma = metric.labels.empty() ? "" : ",";
  for (std::size_t i = 0; i < kBuckets.size(); ++i)
    out += fmt::format("{}_bucket{{{}{}le=\"{}\"}} {}\n", metric.name, metric.labels, comma,
                       kBuckets[i], metric.buckets[i]);
  out += fmt::format("{}_bucket{{{}{}le=\"+Inf\"}} {}\n", metric.name, metric.labels, comma,
                     metric.count);
  out += fmt::format("{0}_sum{1} {2}\n{0}_count{1} {3}\n", metric.name, labels, metric.value,
                     metric.count);
}

std::string Metrics::Text() const {
  constexpr std::array<std::string_view, 3> kNames{"counter", "gauge", "histogram"};
  std::lock_guard const lock(mutex_);
  std::map<std::string_view, std::vector<Metric const*>> families;
  for (auto const& metric : metrics_)
    families[metric.name].push_back(&metric);
  std::string out;
  for (auto const& [name, family] : families) {
    auto const& first = *family.front();
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, first.help, name,
                       kNames.at(static_cast<std::size_t>(first.kind)));
    for (auto const* metric : family)
      Print(out, *metric);
  }
  return out;
}

}  // namespace trellis::plugin
