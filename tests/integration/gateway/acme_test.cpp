// Certificates from an authority that speaks the public one's protocol: Debian's pebble, which also
// refuses good nonces now and then.
#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/tool.hpp"
#include "plugins/gateway/certs/openssl.hpp"
#include "tests/integration/gateway/lab.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <fstream>

namespace trellis::plugins::gateway {
namespace {

using ::testing::HasSubstr;

constexpr long kDay = 24L * 3600;

/// Signed by itself, with its key.
std::string Certificate(std::string const& domain, long days_ago, long days_left) {
  auto const key = MakeKey();
  X509Ptr const certificate(X509_new());
  auto* const raw = certificate.get();
  auto* const name = X509_get_subject_name(raw);
  auto const* text = reinterpret_cast<unsigned char const*>(domain.c_str());
  EXPECT_EQ(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0), 1);
  EXPECT_EQ(X509_set_issuer_name(raw, name), 1);
  X509_gmtime_adj(X509_getm_notBefore(raw), -days_ago * kDay);
  X509_gmtime_adj(X509_getm_notAfter(raw), days_left * kDay);
  EXPECT_EQ(X509_set_pubkey(raw, key->get()), 1);
  EXPECT_GT(X509_sign(raw, key->get(), EVP_sha256()), 0);
  return CertificateText(raw).value_or("") + KeyText(key->get()).value_or("");
}

class Acme : public GatewayLab {
 protected:
  void SetUp() override {
    GatewayLab::SetUp();
    // In a namespace of the test's own, so the ports are free.
    auto const made = RunTool(
        {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", dir_ / "pebble.key", "-out", dir_ / "pebble.pem"},
        std::chrono::seconds(10));
    ASSERT_TRUE(made) << made.error().message;
    std::ofstream(dir_ / "pebble.json") << fmt::format(
        R"({{"pebble":{{"listenAddress":"127.0.0.1:14000","managementListenAddress":"127.0.0.1:15000",)"
        R"("certificate":"{0}/pebble.pem","privateKey":"{0}/pebble.key","httpPort":80,"tlsPort":443}}}})",
        dir_.path().string());
    Run("dns", {"/usr/bin/pebble-challtestsrv", "-defaultIPv4", kNodeIp, "-defaultIPv6", "",
                "-http01", "", "-https01", "", "-tlsalpn01", ""});
    Run("pebble",
        {"/usr/bin/pebble", "-config", dir_ / "pebble.json", "-dnsserver", "127.0.0.1:8053"});
    ASSERT_TRUE(Eventually([&] {
      return RunTool({"curl", "--silent", "--insecure", "https://127.0.0.1:14000/dir"},
                     std::chrono::seconds(5))
          .has_value();
    }));
    LoadAcme();
  }
  void LoadAcme() {
    Load(fmt::format(
        R"(,"tls":"acme","acme":{{"directory":"https://127.0.0.1:14000/dir","ca":"{}"}})",
        (dir_ / "pebble.pem").string()));
  }
  /// The names of the domain lead to this address instead of the node.
  void PointAt(std::string const& domain, std::string const& ip) const {
    auto const told = RunTool({"curl", "--silent", "--fail", "--data",
                               fmt::format(R"({{"host":"{}.","addresses":["{}"]}})", domain, ip),
                               "http://127.0.0.1:8055/add-a"},
                              std::chrono::seconds(5));
    ASSERT_TRUE(told) << told.error().message;
  }
  [[nodiscard]] std::string KeptFile(std::string const& name) const {
    return host_->dir() + "/state/gateway/acme/" + name;
  }
  static unsigned ModeOf(std::string const& file) {
    struct stat info {};
    return ::stat(file.c_str(), &info) == 0 ? info.st_mode & 0777U : 0;
  }
  [[nodiscard]] bool IsIssued(std::string const& domain) const {
    return Eventually(
        [&] { return Issuer(domain).find("Pebble Intermediate") != std::string::npos; });
  }
  [[nodiscard]] std::string Issuer(std::string const& domain) const {
    return Get(fmt::format("https://{}/", domain), {"--write-out", "|%{certs}"});
  }
};

TEST_F(Acme, IssuesACertificateForARouteThatWorksBefore) {
  auto const data = FqdnData("shop.example.org", {Serve("shop")});
  ASSERT_TRUE(host_->Provision(kFqdnType, "7-100-gw1", data, Options()).ok());
  EXPECT_EQ(Get("https://shop.example.org/"), "shop|200");

  EXPECT_TRUE(IsIssued("shop.example.org"));

  EXPECT_EQ(Get("http://shop.example.org/.well-known/acme-challenge/wrong"),
            "404 page not found|404");
  EXPECT_THAT(host_->Command("zos.x.gateway.list", "").value_or(""),
              HasSubstr(R"("certificate":"acme")"));
}

TEST_F(Acme, KeepsWhatWasIssuedOverARestart) {
  ASSERT_TRUE(ProvisionName("7-100-gw1", "app", Serve("hello")).ok());
  ASSERT_TRUE(IsIssued("app.gw.example.com"));
  EXPECT_EQ(ModeOf(KeptFile("app.gw.example.com.pem")), 0600U);
  EXPECT_EQ(ModeOf(KeptFile("account.key")), 0600U);
  auto const before = Issuer("app.gw.example.com");

  ASSERT_TRUE(host_->Unload("gateway"));
  LoadAcme();

  EXPECT_EQ(Issuer("app.gw.example.com"), before);
}

TEST_F(Acme, RenewsWhatEndsSoon) {
  auto const old = Certificate("old.example.org", /*days_ago=*/80, /*days_left=*/10);
  ASSERT_TRUE(WriteFile(KeptFile("old.example.org.pem"), old, 0600));
  auto const data = FqdnData("old.example.org", {Serve("old")});

  ASSERT_TRUE(host_->Provision(kFqdnType, "7-100-gw1", data, Options()).ok());

  EXPECT_THAT(Issuer("old.example.org"), HasSubstr("Issuer:CN = old.example.org"));
  EXPECT_TRUE(IsIssued("old.example.org"));
  EXPECT_TRUE(
      Eventually([&] { return ReadFile(KeptFile("old.example.org.pem"), 1U << 16U) != old; }));
}

TEST_F(Acme, TellsWhatToDoForADomainThatLeadsElsewhere) {
  PointAt("lost.example.org", "10.60.0.99");
  auto const data = FqdnData("lost.example.org", {Serve("lost")});

  ASSERT_TRUE(host_->Provision(kFqdnType, "7-100-gw1", data, Options()).ok());

  std::string list;
  EXPECT_TRUE(Eventually([&] {
    list = host_->Command("zos.x.gateway.list", "").value_or("");
    return list.find("no certificate for 'lost.example.org'") != std::string::npos;
  }));
  EXPECT_THAT(list, HasSubstr("its DNS record must lead to this node, whose port 80"));
  EXPECT_EQ(ModeOf(KeptFile("failures.json")), 0600U);
  EXPECT_EQ(Get("https://lost.example.org/"), "lost|200");
}

TEST_F(GatewayLab, RoutesWhileTheAuthorityKeepsSilent) {
  UniqueFd const silent(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  socklen_t size = sizeof address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::inet_addr(kBackendIp);
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::bind(silent.get(), raw, size), 0);
  ASSERT_EQ(::listen(silent.get(), 8), 0);
  ASSERT_EQ(::getsockname(silent.get(), raw, &size), 0);
  Load(fmt::format(R"(,"tls":"acme","acme":{{"directory":"https://{}:{}/dir"}})", kBackendIp,
                   ntohs(address.sin_port)));

  for (auto const* const name : {"one", "two"})
    ASSERT_TRUE(ProvisionName(fmt::format("7-100-{}", name), name, Serve(name)).ok());

  EXPECT_EQ(Get("https://one.gw.example.com/"), "one|200");
  EXPECT_EQ(Get("https://two.gw.example.com/"), "two|200");
  EXPECT_THAT(host_->Command("zos.x.gateway.list", "").value_or(""), HasSubstr("none yet"));
}

}  // namespace
}  // namespace trellis::plugins::gateway
