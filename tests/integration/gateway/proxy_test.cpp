// Real requests through the node's proxy.
#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/tool.hpp"
#include "tests/integration/gateway/lab.hpp"
#include "tests/support/patience.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <fstream>

namespace trellis::plugins::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Proxy : public GatewayLab {};

TEST_F(Proxy, TerminatesTlsWithACertificateOfTheNodesDomain) {
  Load();

  auto const made = ProvisionName("7-100-gw1", "app", Serve("hello"));

  EXPECT_EQ(made.status, TRL_OK) << made.error;
  EXPECT_EQ(made.result, R"({"fqdn":"app.gw.example.com"})");
  EXPECT_EQ(GetTrusted("https://app.gw.example.com/a"), "hello|200");
  EXPECT_EQ(GetTrusted("https://APP.gw.example.com/a"), "hello|200");
}

TEST_F(Proxy, TellsTheBackendWhoAskedAndNothingThatTheClientMadeUp) {
  Load();
  ASSERT_TRUE(ProvisionName("7-100-gw1", "app", Serve("hello")).ok());

  ASSERT_EQ(Get("https://app.gw.example.com/", {"--header", "X-Forwarded-For: 9.9.9.9"}),
            "hello|200");

  EXPECT_THAT(last_request(), HasSubstr("x-forwarded-for: 10.60.0.1\r\n"));
  EXPECT_THAT(last_request(), HasSubstr("x-forwarded-proto: https\r\n"));
  EXPECT_THAT(last_request(), HasSubstr("x-forwarded-host: app.gw.example.com\r\n"));
  EXPECT_THAT(last_request(), HasSubstr("host: app.gw.example.com\r\n"));
  EXPECT_THAT(last_request(), Not(HasSubstr("9.9.9.9")));
}

TEST_F(Proxy, SendsPlainRequestsToHttps) {
  Load();
  ASSERT_TRUE(ProvisionName("7-100-gw1", "app", Serve("hello")).ok());

  EXPECT_EQ(Get("http://app.gw.example.com/a?x=1", {"--write-out", "%{http_code} %{redirect_url}"}),
            "301 https://app.gw.example.com/a?x=1");
  EXPECT_EQ(Get("http://app.gw.example.com/a", {"--request", "POST"}), "|308");
  EXPECT_EQ(Get("http://app.gw.example.com/.well-known/acme-challenge/none"),
            "404 page not found|404");
}

TEST_F(Proxy, AnswersUnknownNamesWithItsOwnCertificateAndNotFound) {
  Load();
  ASSERT_TRUE(ProvisionName("7-100-gw1", "app", Serve("hello")).ok());

  EXPECT_EQ(Get("https://other.example.com/"), "404 page not found|404");
}

TEST_F(Proxy, PassesTlsThroughBesideTermination) {
  Load();
  ASSERT_TRUE(ProvisionName("7-100-gw1", "app", Serve("hello")).ok());
  auto const pem = dir_ / "backend.pem";
  auto const made = RunTool(
      {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
       "-subj", "/CN=the-backend", "-keyout", pem, "-out", dir_ / "certificate.pem"},
      trellis::testing::kPatience);
  ASSERT_TRUE(made) << made.error().message;
  auto const port = "9443";  // in a namespace of the test's own
  Run("tls",
      {"/usr/bin/openssl", "s_server", "-quiet", "-www", "-accept",
       fmt::format("{}:{}", kBackendIp, port), "-key", pem, "-cert", dir_ / "certificate.pem"});
  auto const data =
      FqdnData("Pass.example.org", {fmt::format("{}:{}", kBackendIp, port)}, /*passthrough=*/true);

  auto const routed = host_->Provision(kFqdnType, "7-100-gw2", data, Options());

  ASSERT_EQ(routed.status, TRL_OK) << routed.error;
  EXPECT_EQ(routed.result, "{}");
  std::string seen;
  EXPECT_TRUE(Eventually([&] {
    seen = Get("https://pass.example.org/", {"--write-out", "|%{http_code} %{certs}"});
    return seen.find("the-backend") != std::string::npos;
  })) << seen;
  EXPECT_EQ(Get("https://app.gw.example.com/", {"--header", "Host: pass.example.org"}),
            "misdirected request|421");
}

TEST_F(Proxy, DrawsOneOfSeveralBackends) {
  Load();
  Reserve("app");
  auto const one = Serve("one");
  auto const two = Serve("two");
  ASSERT_TRUE(
      host_->Provision(kNameType, "7-100-gw1", NameData("app", {one, two, one}), Options()).ok());

  int ones = 0;
  int all = 0;
  std::vector<std::string> urls(99, "https://app.gw.example.com/");
  urls.insert(urls.begin(), {"--write-out", " "});
  auto const bodies = Get("https://app.gw.example.com/", urls);
  for (auto at = bodies.find_first_of("ot"); at != std::string::npos;
       at = bodies.find_first_of("ot", at + 3)) {
    ones += bodies.compare(at, 3, "one") == 0 ? 1 : 0;
    ++all;
  }

  EXPECT_EQ(all, 100);
  EXPECT_GT(ones, 30);  // two of three on average: these are more than six deviations away
  EXPECT_LT(ones, 96);
}

TEST_F(Proxy, AnswersForADeadBackendAtOnce) {
  Load();
  ASSERT_TRUE(ProvisionName("7-100-gw1", "app", "http://10.50.0.1:1").ok());

  EXPECT_EQ(Get("https://app.gw.example.com/"), "Bad Gateway|502");
}

TEST_F(Proxy, BoundsWhatARouteHasAtOnce) {
  Load(R"(,"max_conn_per_route":1)");
  // Takes connections and never answers.
  UniqueFd const slow(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  socklen_t size = sizeof address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::inet_addr(kBackendIp);
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::bind(slow.get(), raw, size), 0);
  ASSERT_EQ(::listen(slow.get(), 8), 0);
  ASSERT_EQ(::getsockname(slow.get(), raw, &size), 0);
  auto const url = fmt::format("http://{}:{}", kBackendIp, ntohs(address.sin_port));
  ASSERT_TRUE(ProvisionName("7-100-gw1", "slow", url).ok());
  ASSERT_TRUE(ProvisionName("7-100-gw2", "quick", Serve("quick")).ok());
  Run("first", {"/usr/bin/curl", "--silent", "--insecure", "--noproxy", "*", "--connect-to",
                fmt::format("::{}:", kNodeIp), "https://slow.gw.example.com/"});
  UniqueFd const first(::accept(slow.get(), nullptr, nullptr));

  EXPECT_EQ(Get("https://slow.gw.example.com/"), "too many connections|503");
  EXPECT_EQ(Get("https://quick.gw.example.com/"), "quick|200");
}

TEST_F(Proxy, RefusesAPausedRouteUntilItIsResumed) {
  Load();
  auto const url = Serve("hello");
  ASSERT_TRUE(ProvisionName("7-100-gw1", "app", url).ok());

  ASSERT_TRUE(host_->Pause(kNameType, "7-100-gw1", NameData("app", {url}), Options()).ok());
  EXPECT_EQ(Get("https://app.gw.example.com/"), "paused|503");
  EXPECT_EQ(host_->Inspect(kNameType, "7-100-gw1", NameData("app", {url}), Options())->state,
            Observed::State::kPaused);
  ASSERT_TRUE(host_->Resume(kNameType, "7-100-gw1", NameData("app", {url}), Options()).ok());

  EXPECT_EQ(Get("https://app.gw.example.com/"), "hello|200");
}

TEST_F(Proxy, ForgetsARemovedRouteAndTellsItsTrafficOnce) {
  Load();
  ASSERT_TRUE(ProvisionName("7-100-gw1", "app", Serve("hello")).ok());
  ASSERT_TRUE(ProvisionName("7-100-gw2", "stays", Serve("here")).ok());
  ASSERT_EQ(Get("https://app.gw.example.com/"), "hello|200");

  EXPECT_TRUE(host_->Deprovision(kNameType, "7-100-gw1", "{}", Options()).ok());
  EXPECT_TRUE(host_->Deprovision(kNameType, "7-100-gw1", "{}", Options()).ok());

  EXPECT_EQ(Get("https://app.gw.example.com/"), "404 page not found|404");
  EXPECT_EQ(Get("https://stays.gw.example.com/"), "here|200");
  EXPECT_THAT(host_->Providers("consumption")->at(0), HasSubstr("7-100-gw1"));
  EXPECT_THAT(host_->Providers("consumption")->at(0), Not(HasSubstr("7-100-gw1")));
  EXPECT_EQ(host_->Inspect(kNameType, "7-100-gw1", "{}", Options())->state,
            Observed::State::kAbsent);
}

TEST_F(Proxy, GivesThePortsBackWithTheLastRoute) {
  Load();
  ASSERT_TRUE(ProvisionName("7-100-gw1", "app", Serve("hello")).ok());
  ASSERT_NE(ProxyPid(), 0);

  ASSERT_TRUE(host_->Deprovision(kNameType, "7-100-gw1", "{}", Options()).ok());

  EXPECT_EQ(ProxyPid(), 0);
}

TEST_F(Proxy, MakesACertificateForEachForeignDomain) {
  Load();
  auto const data = FqdnData("shop.example.org", {Serve("shop")});

  ASSERT_TRUE(host_->Provision(kFqdnType, "7-100-gw1", data, Options()).ok());
  ASSERT_TRUE(host_
                  ->Provision(kFqdnType, "7-100-gw2",
                              FqdnData("second.example.org", {Serve("second")}), Options())
                  .ok());

  EXPECT_EQ(GetTrusted("https://shop.example.org/"), "shop|200");
  EXPECT_EQ(GetTrusted("https://second.example.org/"), "second|200");
}

TEST_F(Proxy, ServesTheOperatorsCertificatesAndTakesNewOnes) {
  auto const write = [&](std::string const& name) {
    auto const file = dir_ / "shop.example.org.pem";
    auto const made =
        RunTool({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-nodes", "-subj", "/CN=" + name, "-addext", "subjectAltName=DNS:shop.example.org",
                 "-keyout", dir_ / "key", "-out", dir_ / "cert"},
                trellis::testing::kPatience);
    ASSERT_TRUE(made) << made.error().message;
    // Blank lines must not end the proxy's command early.
    std::ofstream(file) << std::ifstream(dir_ / "cert").rdbuf() << "\n\n"
                        << std::ifstream(dir_ / "key").rdbuf();
  };
  write("first");
  Load(fmt::format(R"(,"tls":"files","cert_dir":"{}")", dir_.path().string()));
  auto const data = FqdnData("shop.example.org", {Serve("shop")});
  ASSERT_TRUE(host_->Provision(kFqdnType, "7-100-gw1", data, Options()).ok());
  auto const served = [&] {
    return Get("https://shop.example.org/", {"--write-out", "|%{http_code} %{certs}"});
  };
  ASSERT_THAT(served(), HasSubstr("CN = first"));

  write("second");
  host_->RunTasks();

  EXPECT_THAT(served(), HasSubstr("CN = second"));
}

TEST_F(Proxy, RoutesForOtherPlugins) {
  Load();
  auto const request = fmt::format(
      R"({{"owner":"@lamp/web","fqdn":"lamp.example.org","backends":["{}"]}})", Serve("lamp"));

  auto const set = host_->CallService("trellis.proxy.route/1", "set", request);
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(GetTrusted("https://lamp.example.org/"), "lamp|200");
  auto const list = host_->CallService("trellis.proxy.route/1", "list", "{}");
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_THAT(list->body, HasSubstr(R"("owner":"@lamp/web","fqdn":"lamp.example.org")"));
  ASSERT_TRUE(host_->CallService("trellis.proxy.route/1", "delete", R"({"owner":"@lamp/web"})"));

  EXPECT_EQ(host_->Command("zos.x.gateway.list", "").value_or(""), "[]");
}

}  // namespace
}  // namespace trellis::plugins::gateway
