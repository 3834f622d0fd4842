// Metrics that plugins define, kept in memory and shown in the Prometheus text format.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugin {

inline constexpr std::size_t kMaxMetrics = 1000;  ///< per plugin

/// Thread-safe.
class Metrics {
 public:
  /// 0 when kind, name or labels are not valid, or the plugin has too many. The same metric again
  /// has the same id.
  std::uint64_t Define(std::string_view plugin, std::int32_t kind, std::string_view name,
                       std::string_view help, std::string_view labels);
  void Record(std::uint64_t metric, double value);
  [[nodiscard]] std::string Text() const;

 private:
  static constexpr std::array<double, 8> kBuckets{0.001, 0.01, 0.1, 0.5, 1, 5, 30, 120};
  struct Metric {
    std::string plugin;
    std::string name;  ///< exported
    std::string help;
    std::string labels;  ///< `a="b",c="d"`
    std::int32_t kind = 0;
    double value = 0;  ///< sum, for a histogram
    std::uint64_t count = 0;
    std::array<std::uint64_t, kBuckets.size()> buckets{};
  };
  static void Print(std::string& out, Metric const& metric);

  mutable std::mutex mutex_;  // guards both
  std::vector<Metric> metrics_;
  std::map<std::string, std::uint64_t> ids_;  // name and labels to index + 1
};

}  // namespace trellis::plugin
