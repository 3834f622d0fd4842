// What a collector reads: Prometheus text.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::node {

/// Writes families of samples. Names begin with `trellis_`.
class MetricsText {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

  /// Begins a family: all its samples follow.
  MetricsText& Family(std::string_view name, std::string_view type, std::string_view help);
  MetricsText& Sample(double value, Labels const& labels = {}, std::string_view suffix = {});
  /// A family of one sample.
  void Gauge(std::string_view name, double value, std::string_view help);
  void Counter(std::string_view name, double value, std::string_view help);

  [[nodiscard]] std::string const& text() const { return text_; }

 private:
  std::string text_;
  std::string name_;
};

}  // namespace trellis::node
