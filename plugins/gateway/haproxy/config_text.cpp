#include "plugins/gateway/haproxy/config_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::plugins::gateway {

namespace {

// In the jail there is nothing but the socket between the two hops of a terminated connection.
constexpr std::string_view kGlobal = R"(global
  log stderr format raw local0 warning
  nbthread $THREADS
  maxconn $MAXCONN
  user $USER
  group $USER
  chroot $DIR/jail
  stats socket unix@$DIR/admin.sock mode 600 level admin
  stats timeout 1h
  ssl-default-bind-options ssl-min-ver TLSv1.2
  tune.ssl.default-dh-param 2048
  hard-stop-after 10s

)";

// Requests are counted, not logged: a line would be composed for each, even to be thrown away. Port
// 80: answers of certificate orders, and the way to https.
constexpr std::string_view kPlain = R"(defaults
  option dontlognull
  option splice-auto
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout tunnel 24h
  timeout http-request 30s
  timeout http-keep-alive 75s

backend st_routes
  stick-table type string len 80 size 100k nopurge store http_req_cnt,conn_cnt,bytes_in_cnt,bytes_out_cnt$CUR

frontend http80
  mode http
$BIND_80  http-request set-var(txn.ka) path,field(-1,/),map_str($DIR/acme.map) if { path_beg /.well-known/acme-challenge/ }
  http-request return status 200 content-type text/plain lf-string "%[var(txn.ka)]" if { var(txn.ka) -m found }
  http-request return status 404 content-type text/plain string "404 page not found" if { path_beg /.well-known/acme-challenge/ }
  http-request redirect scheme https code 301 if METH_GET
  http-request redirect scheme https code 308

)";

// Port 443 beside routes that pass through: by the name in the hello, to a backend as it is or to
// the terminating half. The separator of keys is '/', since '#' would begin a comment.
constexpr std::string_view kTls = R"(frontend tls443
  mode tcp
$BIND_TLS  tcp-request inspect-delay 5s
  tcp-request content set-var(sess.route) req.ssl_sni,lower,map_str($DIR/routes.map) if { req.ssl_hello_type 1 }
  tcp-request content set-var(sess.wl) var(sess.route),field(2,|) if { var(sess.route) -m beg p| q| }
  tcp-request content set-var(sess.addr) var(sess.route),field(3,|,2) if { var(sess.route) -m beg p| }
  tcp-request content set-var(sess.n) var(sess.route),field(3,|) if { var(sess.route) -m beg q| }
  tcp-request content set-var(sess.i) rand(5040),mod(sess.n) if { var(sess.n) -m found }
  tcp-request content set-var(sess.key) var(sess.wl),concat(/,sess.i) if { var(sess.i) -m found }
  tcp-request content set-var(sess.addr) var(sess.key),map_str($DIR/servers.map) if { var(sess.key) -m found }
  tcp-request content set-dst var(sess.addr),field(1,|) if { var(sess.addr) -m found }
  tcp-request content set-dst-port var(sess.addr),field(2,|) if { var(sess.addr) -m found }
  tcp-request content track-sc0 var(sess.wl) table st_routes if { var(sess.addr) -m found }
$CAP_TCP  tcp-request content reject if { var(sess.route) -m beg h|p| h|q| }
  tcp-request content accept if { req.ssl_hello_type 1 }
  tcp-request content reject if WAIT_END
  use_backend passthrough if { var(sess.addr) -m found }
  default_backend terminate

backend passthrough
  mode tcp
  server dst 0.0.0.0:0

backend terminate
  mode tcp
  server local unix@/term.sock send-proxy-v2

frontend https
  mode http
  bind unix@$DIR/jail/term.sock user $USER mode 600 accept-proxy ssl crt-list $DIR/crt-list.txt alpn h2,http/1.1
$BY_HOST
)";

// Port 443 without them: TLS ends at once.
constexpr std::string_view kDirect = R"(frontend direct
  mode http
$BIND_DIRECT$BY_HOST
)";

// For each request, since a connection may carry those of many names: one look-up, and nothing
// that an ordinary one does not need.
constexpr std::string_view kByHost = R"(  option idle-close-on-response
  http-request set-var(txn.route) req.hdr(host),field(1,:),lower,map_str($DIR/routes.map)
  use_backend routes if { var(txn.route) -m beg t| }
  use_backend drawn if { var(txn.route) -m beg m| }
  default_backend refused
)";

// A name that passes through may come over a connection of another one (a browser reuses it): 421
// makes the client open its own.
constexpr std::string_view kBackends = R"(backend refused
  mode http
  http-request return status 503 content-type text/plain string "paused" if { var(txn.route) -m beg h|t| h|m| }
  http-request return status 421 content-type text/plain string "misdirected request" if { var(txn.route) -m beg p| q| h|p| h|q| }
  http-request return status 404 content-type text/plain string "404 page not found"

backend routes
  mode http
  http-request set-dst var(txn.route),field(3,|)
  http-request set-dst-port var(txn.route),field(4,|)
$TO_SERVER
backend drawn
  mode http
  http-request set-var(txn.n) var(txn.route),field(3,|)
  http-request set-var(txn.i) rand(5040),mod(txn.n)
  http-request set-var(txn.key) var(txn.route),field(2,|),concat(/,txn.i)
  http-request set-var(txn.addr) var(txn.key),map_str($DIR/servers.map)
  http-request return status 502 content-type text/plain string "Bad Gateway" unless { var(txn.addr) -m found }
  http-request set-dst var(txn.addr),field(1,|)
  http-request set-dst-port var(txn.addr),field(2,|)
$TO_SERVER)";

constexpr std::string_view kToServer =
    R"(  http-request track-sc0 var(txn.route),field(2,|) table st_routes
$CAP_HTTP  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto https
  http-request set-header X-Forwarded-Port 443
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Real-Ip %[src]
  retries 1
  errorfile 502 $DIR/502.http
  errorfile 503 $DIR/502.http
  errorfile 504 $DIR/502.http
  server dst 0.0.0.0:0
)";

/// The descriptors that the process is started with, in the order of the addresses.
constexpr int kPlain4 = kFirstListener;
constexpr int kTls4 = kFirstListener + 1;
constexpr int kDirect4 = kFirstListener + 2;
constexpr int kAFamily = 3;

void ReplaceAll(std::string& text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

// What a route may have at once, and refuses beyond it.
using Values = std::vector<std::pair<std::string_view, std::string>>;
Values CapValues(std::uint32_t most) {
  if (most == 0) return {{"$CUR", ""}, {"$CAP_TCP", ""}, {"$CAP_HTTP", ""}};
  return {
      {"$CUR", ",conn_cur"},
      {"$CAP_TCP", fmt::format("  tcp-request content reject if {{ var(sess.addr) -m found }} {{ "
                               "sc0_conn_cur(st_routes) gt {} }}\n",
                               most)},
      {"$CAP_HTTP", fmt::format("  http-request return status 503 content-type text/plain string "
                                "\"too many connections\" if {{ sc0_conn_cur(st_routes) gt {} }}\n",
                                most)}};
}

// Of both families, since one socket for both shows IPv4 clients as mapped addresses.
std::string Binds(int descriptor, bool ipv6, std::string_view more) {
  auto text = fmt::format("  bind fd@{}{}\n", descriptor, more);
  if (ipv6) text += fmt::format("  bind fd@{}{}\n", descriptor + kAFamily, more);
  return text;
}

}  // namespace

std::vector<std::string> ListenAddresses(bool ipv6) {
  std::vector<std::string> addresses{"0.0.0.0:80", "0.0.0.0:443", "0.0.0.0:443"};
  if (ipv6) addresses.insert(addresses.end(), {"[::]:80", "[::]:443", "[::]:443"});
  return addresses;
}

std::string ConfigText(ProxySettings const& settings, Hops hops) {
  std::string text;
  for (auto const part : {kGlobal, kPlain, kTls})
    text += part;
  if (hops == Hops::kOne) text += kDirect;
  text += kBackends;
  Values values{{"$BY_HOST", std::string(kByHost)},
                {"$TO_SERVER", std::string(kToServer)},
                {"$BIND_80", Binds(kPlain4, settings.ipv6, "")},
                {"$BIND_TLS", Binds(kTls4, settings.ipv6, "")},
                {"$BIND_DIRECT", Binds(kDirect4, settings.ipv6,
                                       " ssl crt-list $DIR/crt-list.txt alpn h2,http/1.1")}};
  std::ranges::move(CapValues(settings.per_route), std::back_inserter(values));
  values.insert(values.end(), {{"$DIR", settings.dir},
                               {"$THREADS", std::to_string(settings.threads)},
                               {"$MAXCONN", std::to_string(settings.connections)},
                               {"$USER", kProxyUser}});
  for (auto const& [name, value] : values)
    ReplaceAll(text, name, value);
  return text;
}

std::string BadGatewayText() {
  return "HTTP/1.0 502 Bad Gateway\r\nCache-Control: no-cache\r\nConnection: close\r\n"
         "Content-Type: text/plain\r\n\r\nBad Gateway";
}

}  // namespace trellis::plugins::gateway
