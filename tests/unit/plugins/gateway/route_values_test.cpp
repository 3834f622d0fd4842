#include "plugins/gateway/haproxy/config_text.hpp"
#include "plugins/gateway/route_metrics.hpp"

#include <gmock/gmock.h>

namespace trellis::plugins::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

RouteRecord Route(std::vector<std::string> backends) {
  RouteRecord route;
  route.id = "7-100-gw1";
  route.backends = std::move(backends);
  return route;
}

TEST(RouteValues, HoldTheOnlyServer) {
  auto route = Route({"10.1.1.5|80"});
  EXPECT_EQ(RouteValue(route), "t|7-100-gw1|10.1.1.5|80");
  EXPECT_TRUE(ServerEntries(route).empty());

  route.tls_passthrough = true;
  route.paused = true;
  EXPECT_EQ(RouteValue(route), "h|p|7-100-gw1|10.1.1.5|80");
}

TEST(RouteValues, CountServersThatAreDrawn) {
  auto route = Route({"10.1.1.5|80", "2001:db8::1|8080"});
  EXPECT_EQ(RouteValue(route), "m|7-100-gw1|2");
  EXPECT_EQ(ServerEntries(route),
            (std::map<std::string, std::string>{{"7-100-gw1/0", "10.1.1.5|80"},
                                                {"7-100-gw1/1", "2001:db8::1|8080"}}));

  route.tls_passthrough = true;
  EXPECT_EQ(RouteValue(route), "q|7-100-gw1|2");
}

TEST(ConfigText, EndsTlsAtOnceOnlyWhereNothingPassesThrough) {
  ProxySettings settings;
  settings.dir = "/run/x";

  EXPECT_THAT(ConfigText(settings, Hops::kOne), HasSubstr("frontend direct"));
  EXPECT_THAT(ConfigText(settings, Hops::kTwo), Not(HasSubstr("frontend direct")));
  EXPECT_THAT(ConfigText(settings, Hops::kOne), Not(HasSubstr("$")));
}

TEST(RouteMetrics, AreThoseOfTheRoutesThatThereAre) {
  std::map<std::string, RouteRecord> const routes{{"7-100-gw1", Route({})},
                                                  {"7-100-gw2", Route({})}};

  auto const families = RouteMetrics(
      routes, {{"7-100-gw1", {.requests = 1, .connections = 2, .bytes_in = 3, .bytes_out = 4}},
               {"7-100-gone", {.requests = 5}}});

  ASSERT_EQ(families.size(), 6U);
  EXPECT_EQ(families[0].values,
            (std::map<std::string, double>{{"7-100-gw1", 1}, {"7-100-gw2", 0}}));
  EXPECT_EQ(families[4].name, "traefik_service_requests_bytes_total");
  EXPECT_EQ(families[4].values.at("7-100-gw1@file"), 3);
  EXPECT_EQ(families[5].values.at("7-100-gw1@file"), 4);
}

}  // namespace
}  // namespace trellis::plugins::gateway
