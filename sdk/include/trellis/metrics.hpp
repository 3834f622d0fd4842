// Numbers for the operator's monitoring, exported as `trellis_plugin_<plugin>_<name>`.
#pragma once

#include <trellis/host.hpp>

namespace trellis {

/// One metric. Thread-safe; a metric that was refused counts nothing.
class Metric {
 public:
  enum class Kind : std::int32_t { kCounter = 0, kGauge = 1, kHistogram = 2 };

  Metric() = default;
  /// `labels`: constant values by name.
  static Metric Define(Host const& host, Kind kind, std::string_view name, std::string_view help,
                       std::map<std::string, std::string> const& labels = {}) {
    auto const* raw = host.raw();
    Metric metric;
    metric.host_ = raw;
    metric.ext_ = static_cast<trl_ext_metric const*>(raw->extension(raw->ctx, TRL_EXT_METRIC));
    if (metric.ext_ == nullptr) return metric;
    auto const text = labels.empty() ? std::string() : json::Dump(labels);
    metric.id_ = metric.ext_->define(raw->ctx, static_cast<std::int32_t>(kind), abi::Bytes(name),
                                     abi::Bytes(help), abi::Bytes(text));
    return metric;
  }
  /// Adds to a counter, sets a gauge, observes in a histogram.
  void Record(double value) const {
    if (id_ != 0) ext_->record(host_->ctx, id_, value);
  }

 private:
  trl_host const* host_ = nullptr;
  trl_ext_metric const* ext_ = nullptr;
  std::uint64_t id_ = 0;
};

}  // namespace trellis
