#include "kernel/node/metrics.hpp"

#include <gtest/gtest.h>

namespace trellis::node {
namespace {

TEST(MetricsText, WritesFamiliesWithHelpAndType) {
  MetricsText metrics;
  metrics.Gauge("healthy", 1, "1 when all is well.");
  metrics.Family("jobs", "gauge", "Jobs.")
      .Sample(2, {{"state", "queued"}, {"kind", "apply"}})
      .Sample(0.5);

  EXPECT_EQ(metrics.text(),
            "# HELP trellis_healthy 1 when all is well.\n"
            "# TYPE trellis_healthy gauge\n"
            "trellis_healthy 1\n"
            "# HELP trellis_jobs Jobs.\n"
            "# TYPE trellis_jobs gauge\n"
            "trellis_jobs{state=\"queued\",kind=\"apply\"} 2\n"
            "trellis_jobs 0.5\n");
}

TEST(MetricsText, EscapesLabels) {
  MetricsText metrics;
  metrics.Family("x", "counter", "X.").Sample(1, {{"a", "q\"b\\s\nn"}});

  EXPECT_NE(metrics.text().find(R"(trellis_x{a="q\"b\\s\nn"} 1)"), std::string::npos)
      << metrics.text();
}

}  // namespace
}  // namespace trellis::node
