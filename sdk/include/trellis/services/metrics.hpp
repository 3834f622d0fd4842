// What a provider of kind `metrics` answers: numbers of things that come and go, asked for whenever
// a collector reads. `trellis/metrics.hpp` is for those that stay.
#pragma once

#include <trellis/json.hpp>

#include <map>
#include <string>

namespace trellis::services {

/// One family, a series for each value of its label. What is left out is forgotten.
struct MetricFamily {
  std::string name;                      ///< exported as `trellis_plugin_<plugin>_<name>`
  std::string kind = "gauge";            ///< gauge|counter
  std::string help;                      ///< one line
  std::string label;                     ///< its name
  std::map<std::string, double> values;  ///< by the value of the label
  /// Exported under the name as it is, for collectors that expect it. Not `trellis_…`.
  bool verbatim = false;
};
BOOST_DESCRIBE_STRUCT(MetricFamily, (), (name, kind, help, label, values, verbatim))

}  // namespace trellis::services
