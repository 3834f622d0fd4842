// The certificate that all names of the node's domain share, proved by DNS.
#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/socket_address.hpp"
#include "tests/integration/gateway/acme_lab.hpp"
#include "tests/integration/gateway/tls_talk.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>

namespace trellis::plugins::gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char const* kWildcardFile = "*.gw.example.com.pem";

class AcmeDns : public AcmeLab {
 protected:
  /// Does anybody answer names at the node?
  static bool AnswersNames() {
    auto const address = ReadSocketAddress(std::string(kNodeIp) + ":53");
    UniqueFd const fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return address && ::connect(fd.get(), address->raw(), address->size) == 0;
  }
};

TEST_F(AcmeDns, IssuesOneForAllNamesAndAnswersOnlyMeanwhile) {
  LoadAcme();

  ASSERT_TRUE(ProvisionName("7-100-gw1", "app", Serve("app")).ok());
  EXPECT_TRUE(IsIssued("app.gw.example.com"));
  ASSERT_TRUE(ProvisionName("7-100-gw2", "more", Serve("more")).ok());

  auto const seen = Issuer("more.gw.example.com");
  EXPECT_THAT(seen, AllOf(HasSubstr("Pebble Intermediate"), HasSubstr("DNS:*.gw.example.com"),
                          HasSubstr("DNS:gw.example.com")));
  EXPECT_EQ(ModeOf(KeptFile(kWildcardFile)), 0600U);
  EXPECT_FALSE(AnswersNames());
  EXPECT_EQ(PidOf("gateway/nnc"), 0);
  EXPECT_THAT(host_->Command("zos.x.gateway.list", "").value_or(""),
              HasSubstr(R"("certificate":"acme")"));
}

TEST_F(AcmeDns, RenewsWithoutClosingAConnection) {
  auto const old = SelfSigned("old wildcard", /*days_ago=*/80, /*days_left=*/10);
  LoadAcme();
  ASSERT_TRUE(WriteFile(KeptFile(kWildcardFile), old, 0600));
  ASSERT_TRUE(ProvisionName("7-100-gw1", "app", Serve("hello")).ok());
  TlsTalk open("app.gw.example.com");
  ASSERT_TRUE(open.Hears("hello"));

  EXPECT_TRUE(IsIssued("app.gw.example.com"));

  EXPECT_TRUE(open.Hears("hello"));
  EXPECT_NE(ReadFile(KeptFile(kWildcardFile), 1U << 16U).value_or(old), old);
}

TEST_F(AcmeDns, IsBesideOnesOfForeignDomains) {
  LoadAcme();
  ASSERT_TRUE(ProvisionName("7-100-gw1", "app", Serve("app")).ok());
  auto const data = FqdnData("shop.example.org", {Serve("shop")});

  ASSERT_TRUE(host_->Provision(kFqdnType, "7-100-gw2", data, Options()).ok());

  EXPECT_TRUE(IsIssued("app.gw.example.com"));
  // Until it has one of its own, the other one answers for it.
  EXPECT_TRUE(Eventually([&] {
    return Issuer("shop.example.org").find("DNS:shop.example.org") != std::string::npos;
  }));
}

TEST_F(AcmeDns, KeepsWhatWasIssuedOverARestart) {
  LoadAcme();
  ASSERT_TRUE(ProvisionName("7-100-gw1", "app", Serve("hello")).ok());
  ASSERT_TRUE(IsIssued("app.gw.example.com"));
  auto const before = Issuer("app.gw.example.com");

  ASSERT_TRUE(host_->Unload("gateway"));
  LoadAcme();

  EXPECT_EQ(Issuer("app.gw.example.com"), before);
}

TEST_F(AcmeDns, TellsWhatToDoWhenNobodyCanAnswer) {
  // The port of name servers is taken, as by another one on the node.
  auto const address = ReadSocketAddress(std::string(kNodeIp) + ":53");
  UniqueFd const taken(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(taken.get(), address->raw(), address->size), 0);
  LoadAcme();

  ASSERT_TRUE(ProvisionName("7-100-gw1", "app", Serve("hello")).ok());

  std::string list;
  EXPECT_TRUE(Eventually([&] {
    list = host_->Command("zos.x.gateway.list", "").value_or("");
    return list.find("no certificate for '*.gw.example.com'") != std::string::npos;
  })) << list;
  EXPECT_THAT(list, HasSubstr("answer names at"));
  EXPECT_EQ(Get("https://app.gw.example.com/"), "hello|200");
}

}  // namespace
}  // namespace trellis::plugins::gateway
