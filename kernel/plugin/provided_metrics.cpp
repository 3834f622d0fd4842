#include "kernel/plugin/provided_metrics.hpp"

#include "kernel/base/log.hpp"
#include "kernel/plugin/metric_text.hpp"

#include <trellis/services/metrics.hpp>

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace trellis::plugin {

namespace {

using services::MetricFamily;

/// A collector waits, and comes again.
constexpr std::chrono::seconds kLimit{2};

bool IsValid(MetricFamily const& family) {
  bool const kind = family.kind == "gauge" || family.kind == "counter";
  bool const own = family.verbatim && family.name.starts_with("trellis_");
  return kind && !own && IsMetricName(family.name) && IsMetricName(family.label);
}

void Print(std::string& out, std::string_view name, MetricFamily const& family) {
  auto const to = std::back_inserter(out);
  fmt::format_to(to, "# HELP {} {}\n# TYPE {} {}\n", name, EscapeMetric(family.help, false), name,
                 family.kind);
  for (auto const& [label, value] : family.values) {
    if (std::isfinite(value))
      fmt::format_to(to, "{}{{{}=\"{}\"}} {}\n", name, family.label, EscapeMetric(label, true),
                     value);
  }
}

}  // namespace

void ProvidedMetrics::Add(std::string_view plugin, std::string_view answer) {
  std::size_t series = 0;
  auto const families = json::Parse<std::vector<MetricFamily>>(answer);
  auto& left_out = left_out_.try_emplace(std::string(plugin), 0).first->second;
  if (!families) ++left_out;
  for (auto const& family : families.value_or(std::vector<MetricFamily>{})) {
    auto name = family.verbatim ? family.name : ExportedMetric(plugin, family.name);
    series += family.values.size();
    if (series > kMaxProvidedSeries || !IsValid(family) || !names_.insert(name).second) {
      left_out += family.values.size();
      continue;
    }
    Print(text_, name, family);
  }
}

std::string ProvidedMetrics::Text() const {
  if (left_out_.empty()) return text_;
  MetricFamily lost;
  lost.help = "Series of plugins that are not shown: too many, or not valid.";
  lost.label = "plugin";
  for (auto const& [plugin, count] : left_out_)
    lost.values.emplace(plugin, static_cast<double>(count));
  auto text = text_;
  Print(text, "trellis_plugin_series_left_out", lost);
  return text;
}

std::string ProvidedMetricsText(Plugins& plugins) {
  ProvidedMetrics metrics;
  for (auto const& provider : plugins.Providers("metrics")) {
    if (auto const answer = plugins.AskProvider(provider, "{}", kLimit)) {
      metrics.Add(provider.plugin, *answer);
    } else {
      log::Warn("provider failed, left out",
                {{"plugin", provider.plugin}, {"kind", "metrics"}, {"error", answer.error()}});
    }
  }
  return metrics.Text();
}

}  // namespace trellis::plugin
