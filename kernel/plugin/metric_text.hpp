// Parts of the Prometheus text format. Pure.
#pragma once

#include <string>
#include <string_view>

namespace trellis::plugin {

/// May it be the name of a metric or of a label?
bool IsMetricName(std::string_view name);
/// Of a help text, or of a label's value (`quote`).
std::string EscapeMetric(std::string_view text, bool quote);
/// `trellis_plugin_<plugin>_<name>`.
std::string ExportedMetric(std::string_view plugin, std::string_view name);

}  // namespace trellis::plugin
