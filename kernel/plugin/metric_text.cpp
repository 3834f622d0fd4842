#include "kernel/plugin/metric_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace trellis::plugin {

bool IsMetricName(std::string_view name) {
  return !name.empty() && name.size() <= 100 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string EscapeMetric(std::string_view text, bool quote) {
  std::string out;
  for (char const c : text) {
    if (c == '\\' || (quote && c == '"')) out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

std::string ExportedMetric(std::string_view plugin, std::string_view name) {
  auto exported = fmt::format("trellis_plugin_{}_{}", plugin, name);
  std::replace(exported.begin(), exported.end(), '-', '_');
  return exported;
}

}  // namespace trellis::plugin
