#include "kernel/node/metrics.hpp"

#include <fmt/format.h>

namespace trellis::node {
namespace {

std::string Escape(std::string_view text) {
  std::string out;
  for (char const c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

MetricsText& MetricsText::Family(std::string_view name, std::string_view type,
                                 std::string_view help) {
  name_ = fmt::format("trellis_{}", name);
  text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name_, help, type);
  return *this;
}

MetricsText& MetricsText::Sample(double value, Labels const& labels, std::string_view suffix) {
  text_ += name_;
  text_ += suffix;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    text_ +=
        fmt::format("{}{}=\"{}\"", i == 0 ? '{' : ',', labels[i].first, Escape(labels[i].second));
  }
  text_ += fmt::format("{} {}\n", labels.empty() ? "" : "}", value);
  return *this;
}

void MetricsText::Gauge(std::string_view name, double value, std::string_view help) {
  Family(name, "gauge", help).Sample(value);
}

void MetricsText::Counter(std::string_view name, double value, std::string_view help) {
  Family(name, "counter", help).Sample(value);
}

}  // namespace trellis::node
