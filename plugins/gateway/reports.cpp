// What operators and tools are told of a route.
#include "plugins/gateway/gateway.hpp"
#include "plugins/gateway/route_metrics.hpp"

namespace trellis::plugins::gateway {

namespace {

/// `zos.debug.deployment.info` and `.health`.
struct AboutRequest {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(AboutRequest, (), (id))
struct InfoAnswer {
  RouteLine info;
  std::string logs;
};
BOOST_DESCRIBE_STRUCT(InfoAnswer, (), (info, logs))
struct HealthCheck {
  std::string name;
  bool ok = true;
  std::string message;
};
BOOST_DESCRIBE_STRUCT(HealthCheck, (), (name, ok, message))
struct HealthAnswer {
  std::vector<HealthCheck> checks;
};
BOOST_DESCRIBE_STRUCT(HealthAnswer, (), (checks))

}  // namespace

RouteLine Gateway::LineOf(RouteRecord const& route, Traffic const& traffic) {
  RouteLine line;
  line.owner = route.id;
  line.fqdn = route.fqdn;
  line.kind = route.kind;
  line.network = route.network;
  for (auto const& server : route.backends) {
    auto const bar = server.rfind('|');
    auto const ip = server.substr(0, bar);
    bool const v6 = ip.find(':') != std::string::npos;
    line.backends.push_back(
        fmt::format("{}{}{}:{}", v6 ? "[" : "", ip, v6 ? "]" : "", server.substr(bar + 1)));
  }
  line.certificate = certificates_.Kind(route);
  line.certificate_error = orders_.Trouble(certificates_.OrderOf(route));
  line.paused = route.paused;
  line.requests = traffic.requests;
  line.connections = traffic.connections;
  line.bytes_in = traffic.bytes_in;
  line.bytes_out = traffic.bytes_out;
  return line;
}

Result<std::vector<services::MetricFamily>> Gateway::Metrics() {
  std::scoped_lock const lock(mutex_);
  std::map<std::string, Traffic> counters;
  if (proxy_.running()) {
    TRELLIS_TRY(counters, proxy_.ReadCounters());
  }
  return RouteMetrics(routes_.all(), counters);
}

Result<RouteLine> Gateway::LineOf(std::string_view request) {
  TRELLIS_TRY(auto const asked, json::Parse<AboutRequest>(request));
  std::scoped_lock const lock(mutex_);
  auto const* const route = routes_.Find(asked.id);
  if (route == nullptr) return Fail(Code::kNotFound, "no route '{}'", asked.id);
  std::map<std::string, Traffic> counters;
  if (proxy_.running()) counters = proxy_.ReadCounters().value_or(std::map<std::string, Traffic>{});
  return LineOf(*route, counters[asked.id]);
}

Result<std::string> Gateway::Info(std::string_view request) {
  TRELLIS_TRY(auto line, LineOf(request));
  InfoAnswer answer;
  answer.logs = line.certificate_error;
  answer.info = std::move(line);
  return json::Dump(answer);
}

Result<std::string> Gateway::Health(std::string_view request) {
  TRELLIS_TRY(auto const line, LineOf(request));
  bool const issued = line.certificate != kNoneYet;
  HealthAnswer answer;
  answer.checks.push_back(
      {"gateway.certificate", issued && line.certificate_error.empty(),
       line.certificate_error.empty() ? line.certificate : line.certificate_error});
  return json::Dump(answer);
}

}  // namespace trellis::plugins::gateway
