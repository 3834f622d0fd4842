#include "plugins/gateway/backend.hpp"
#include "tests/unit/plugins/types/type_lab.hpp"

#include <fmt/format.h>

namespace trellis::plugins {
namespace {

constexpr std::string_view kName = "gateway-name-proxy";
constexpr std::string_view kFqdn = "gateway-fqdn-proxy";

std::string Name(std::string_view name) {
  return fmt::format(R"({{"name":{},"backends":["http://10.0.0.1"]}})", json::Dump(name));
}
std::string Fqdn(std::string_view fqdn) {
  return fmt::format(R"({{"fqdn":{},"backends":["http://10.0.0.1"]}})", json::Dump(fqdn));
}

// What would be dialled; "" when the backend is refused.
std::string Dialled(std::string_view backend, bool tls_passthrough) {
  auto const read = gateway::ReadBackend(backend, tls_passthrough);
  return read ? read->address : "";
}

TEST(GatewayTypes, NamesAreOneLabel) {
  TypeLab lab("gateway");

  for (auto const* good : {"a", "A_b-9", "-"})
    EXPECT_EQ(lab.Verdict(kName, Name(good)), "ok") << good;
  for (auto const* bad : {"", "a.b", "a\n", "ä", "a b"})
    EXPECT_EQ(lab.Verdict(kName, Name(bad)), "gw_name") << bad;
}

TEST(GatewayTypes, DomainsHaveTwoLabelsAndNoDotAtTheEnd) {
  TypeLab lab("gateway");

  for (auto const* good : {"a.bc", "x.y_z.Example-1.com", "a.b-"})
    EXPECT_EQ(lab.Verdict(kFqdn, Fqdn(good)), "ok") << good;
  for (auto const* bad : {"", "com", "a.b", "a.bc.", ".a.bc", "a..bc", "a.bc\n", "a b.cd"})
    EXPECT_EQ(lab.Verdict(kFqdn, Fqdn(bad)), "gw_fqdn") << bad;
}

TEST(GatewayTypes, WantBackendsThatAreAllGood) {
  TypeLab lab("gateway");

  EXPECT_EQ(lab.Verdict(kName, R"({"name":"a"})"), "gw_no_backends");
  EXPECT_EQ(lab.Verdict(kName, R"({"name":"a","backends":["http://1.1.1.1","x"]})"), "gw_backend");
  EXPECT_EQ(
      lab.Verdict(kFqdn, R"({"fqdn":"a.bc","tls_passthrough":true,"backends":["1.1.1.1:1"]})"),
      "ok");
}

TEST(GatewayTypes, PassthroughBackendsAreAddressAndPort) {
  for (auto const* good : {"1.1.1.1:10", "[2001:db8::1]:8080", "[1.1.1.1]:1", "1.1.1.1:0",
                           "1.1.1.1:00080", "1.1.1.1:65535", "127.0.0.1:8080", "[::1]:8080"})
    EXPECT_EQ(Dialled(good, true), good);
  for (auto const* bad : {"", "1.1.1.1", "1.1.1.1:", "1.1.1.1:port", "ip:10", "1.1.1.1:65536",
                          "1.1.1.1:1000000", "2001:db8::1:8080", "http://1.1.1.1:80", "[::1%lo]:1",
                          "1.1.1.1:80\n", " 1.1.1.1:80", "[]:80", "1.1.1.1:-1"})
    EXPECT_EQ(Dialled(bad, true), "") << bad;
}

TEST(GatewayTypes, OtherBackendsAreHttpUrlsOfAnAddress) {
  EXPECT_EQ(Dialled("http://1.1.1.1", false), "1.1.1.1:80");
  EXPECT_EQ(Dialled("HTTP://1.1.1.1:10/p?q#f", false), "1.1.1.1:10");
  EXPECT_EQ(Dialled("http://u:p@1.1.1.1:", false), "1.1.1.1:80");
  EXPECT_EQ(Dialled("http://[2001:db8::1]:200", false), "[2001:db8::1]:200");
  for (auto const* bad :
       {"", "1.1.1.1:80", "https://1.1.1.1", "http:1.1.1.1", "http:/1.1.1.1", "http://localhost",
        "http://127.0.0.1", "http://127.9.9.9", "http://[::1]", "http://[::ffff:127.0.0.1]",
        "http://2001:db8::1", "http://[fe80::1%25eth0]", "http://1.1.1.1:65536",
        "http://1.1.1.1:port", "http://1.1.1.1/\n", "http://1.1.1.1/a b", "http://", "http://:80"})
    EXPECT_EQ(Dialled(bad, false), "") << bad;
}

TEST(GatewayTypes, HashTheirNameFlagBackendsAndNetwork) {
  TypeLab lab("gateway");

  EXPECT_EQ(lab.Challenge(kName, R"({"name":"a","backends":["x","y"],"network":"n"})"),
            "afalsexyn");
  EXPECT_EQ(lab.Challenge(kFqdn, R"({"fqdn":"a.bc","tls_passthrough":true,"backends":["x"]})"),
            "a.bctruex");
  EXPECT_EQ(lab.Challenge(kName, R"({"name":"a","network":""})"), "afalse");
}

TEST(GatewayTypes, DependOnTheirNetworkOnly) {
  TypeLab lab("gateway");

  EXPECT_EQ(lab.host.Dependencies(kName, R"({"network":"n"})").value(),
            (std::vector<std::string>{"n"}));
  EXPECT_TRUE(lab.host.Dependencies(kName, R"({"network":""})").value().empty());
  EXPECT_EQ(lab.host.CapacityOf(kName, Name("a")).value(), Capacity{});
}

}  // namespace
}  // namespace trellis::plugins
