// Metrics that plugins are asked for when a collector reads: nothing of them is kept.
#pragma once

#include "kernel/plugin/types.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace trellis::plugin {

/// Of one plugin: 10,000 things with ten series each.
inline constexpr std::size_t kMaxProvidedSeries = 100'000;

/// Puts families into the Prometheus text format. Not thread-safe.
class ProvidedMetrics {
 public:
  /// What a plugin answered, a list of services::MetricFamily. Families that are not valid, that
  /// another plugin has brought already, or that are beyond the limit are left out and counted.
  void Add(std::string_view plugin, std::string_view answer);
  /// With how many series were left out, by plugin.
  [[nodiscard]] std::string Text() const;

 private:
  std::string text_;
  std::set<std::string, std::less<>> names_;
  std::map<std::string, std::size_t, std::less<>> left_out_;
};

/// What all providers of kind `metrics` answer now. One that is silent is left out, and logged.
std::string ProvidedMetricsText(Plugins& plugins);

}  // namespace trellis::plugin
