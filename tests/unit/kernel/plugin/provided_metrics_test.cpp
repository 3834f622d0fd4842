#include "kernel/plugin/provided_metrics.hpp"

#include <trellis/services/metrics.hpp>

#include <gmock/gmock.h>

namespace trellis::plugin {
namespace {

using services::MetricFamily;
using ::testing::HasSubstr;
using ::testing::Not;

MetricFamily Family(std::string name, std::map<std::string, double> values) {
  MetricFamily family;
  family.name = std::move(name);
  family.help = "for a test";
  family.label = "workload";
  family.values = std::move(values);
  return family;
}

std::string TextOf(std::vector<MetricFamily> const& families) {
  ProvidedMetrics metrics;
  metrics.Add("my-plugin", json::Dump(families));
  return metrics.Text();
}

TEST(ProvidedMetrics, AreExportedUnderThePluginsName) {
  EXPECT_THAT(TextOf({Family("bytes", {{"a\"b", 1}, {"c", 2.5}})}),
              HasSubstr("# HELP trellis_plugin_my_plugin_bytes for a test\n"
                        "# TYPE trellis_plugin_my_plugin_bytes gauge\n"
                        "trellis_plugin_my_plugin_bytes{workload=\"a\\\"b\"} 1\n"
                        "trellis_plugin_my_plugin_bytes{workload=\"c\"} 2.5\n"));
}

TEST(ProvidedMetrics, MayHaveNamesThatOthersKnowButNotTheNodes) {
  auto known = Family("traefik_bytes_total", {{"x@file", 1}});
  known.verbatim = true;
  known.kind = "counter";
  auto own = Family("trellis_healthy", {{"x", 1}});
  own.verbatim = true;

  auto const text = TextOf({known, own});

  EXPECT_THAT(text, HasSubstr("# TYPE traefik_bytes_total counter\n"
                              "traefik_bytes_total{workload=\"x@file\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("trellis_healthy")));
  EXPECT_THAT(text, HasSubstr("trellis_plugin_series_left_out{plugin=\"my-plugin\"} 1\n"));
}

TEST(ProvidedMetrics, LeaveOutWhatIsNotValid) {
  auto kind = Family("one", {{"x", 1}});
  kind.kind = "histogram";
  auto label = Family("two", {{"x", 1}});
  label.label = "a b";

  EXPECT_THAT(TextOf({kind, label, Family("a b", {{"x", 1}}), Family("good", {{"x", 1}}),
                      Family("good", {{"y", 1}})}),
              HasSubstr("left_out{plugin=\"my-plugin\"} 4\n"));
  ProvidedMetrics metrics;
  metrics.Add("p", "[{");
  EXPECT_THAT(metrics.Text(), HasSubstr("left_out{plugin=\"p\"} 1\n"));
}

TEST(ProvidedMetrics, HaveALimitForEachPlugin) {
  std::map<std::string, double> many;
  for (std::size_t i = 0; i < kMaxProvidedSeries; ++i)
    many.emplace(std::to_string(i), 1);

  auto const text = TextOf({Family("many", many), Family("more", {{"x", 1}})});

  EXPECT_THAT(text, HasSubstr("my_plugin_many{workload=\"99999\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("my_plugin_more")));
  EXPECT_THAT(text, HasSubstr("left_out{plugin=\"my-plugin\"} 1\n"));
}

}  // namespace
}  // namespace trellis::plugin
