// Certificates that are proved by HTTP.
#include "plugins/common/posix/files.hpp"
#include "tests/integration/gateway/acme_lab.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace trellis::plugins::gateway {
namespace {

using ::testing::HasSubstr;

/// Each domain has a certificate of its own, names of the node's domain as well.
class Acme : public AcmeLab {
 protected:
  void SetUp() override {
    AcmeLab::SetUp();
    if (!HasFatalFailure()) LoadAcme(R"("wildcard":false)");
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
  LoadAcme(R"("wildcard":false)");

  EXPECT_EQ(Issuer("app.gw.example.com"), before);
}

TEST_F(Acme, RenewsWhatEndsSoon) {
  auto const old = SelfSigned("old.example.org", /*days_ago=*/80, /*days_left=*/10);
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

TEST_F(AcmeLab, NameServersMustKnowTheNodeForAForeignDomain) {
  Load(R"(,"verify_dns":true,"resolver":"127.0.0.1:8053")");
  PointAt("lost.example.org", "10.60.0.99");
  auto const provision = [&](std::string const& domain) {
    return host_->Provision(kFqdnType, "7-100-" + domain, FqdnData(domain, {Serve("x")}), Options())
        .error;
  };

  EXPECT_EQ(provision("lost.example.org"),
            "failed to verify domain dns record: host doesn't point to the gateway ip");
  EXPECT_EQ(provision("found.example.org"), "");
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
