// What a route is said to have moved is what it moved.
#include "plugins/common/posix/tool.hpp"
#include "plugins/gateway/gateway.hpp"
#include "tests/integration/gateway/lab.hpp"
#include "tests/support/patience.hpp"

#include <gmock/gmock.h>

#include <fstream>

namespace trellis::plugins::gateway {
namespace {

constexpr std::size_t kMuch = std::size_t{10} << 20;

class Usage : public GatewayLab {
 protected:
  /// Of a route, for the ledger.
  [[nodiscard]] double Moved(std::string const& id) const {
    auto const told = host_->Providers("consumption")->at(0);
    for (auto const& reading :
         json::Parse<std::vector<Reading>>(told).value_or(std::vector<Reading>{})) {
      if (reading.id == id) return static_cast<double>(reading.total);
    }
    return -1;
  }
  [[nodiscard]] std::string Fetch(std::string const& url) const {
    return Get(url, {"--output", "/dev/null", "--write-out", "%{size_download}"});
  }
};

TEST_F(Usage, IsCountedWhereTlsEndsAtTheNode) {
  Load();
  ASSERT_TRUE(ProvisionName("7-100-gw1", "app", Serve(std::string(kMuch, 'x'))).ok());

  ASSERT_EQ(Fetch("https://app.gw.example.com/"), std::to_string(kMuch));

  EXPECT_NEAR(Moved("7-100-gw1"), kMuch, kMuch * 0.02);
  auto const metrics = host_->Providers("metrics")->at(0);
  EXPECT_THAT(metrics, ::testing::HasSubstr("traefik_service_responses_bytes_total"));
  EXPECT_THAT(metrics, ::testing::HasSubstr("7-100-gw1@file"));
}

TEST_F(Usage, IsCountedWhereTlsPassesThrough) {
  Load();
  std::ofstream(dir_ / "much") << std::string(kMuch, 'x');
  auto const pem = dir_ / "backend.pem";
  ASSERT_TRUE(
      RunTool({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes", "-subj", "/CN=backend", "-keyout", pem, "-out", dir_ / "certificate.pem"},
              trellis::testing::kPatience));
  // In a namespace of the test's own, so the port is free.
  Run("tls", {"/bin/sh", "-c",
              fmt::format("cd {} && exec openssl s_server -quiet -WWW -accept {}:9443 -key "
                          "backend.pem -cert certificate.pem",
                          dir_.path().string(), kBackendIp)});
  auto const data = FqdnData("pass.example.org", {"10.50.0.1:9443"}, /*passthrough=*/true);
  ASSERT_TRUE(host_->Provision(kFqdnType, "7-100-gw1", data, Options()).ok());
  ASSERT_TRUE(Eventually([&] { return Fetch("https://pass.example.org/none") != "0"; }));
  auto const before = Moved("7-100-gw1");

  // The server answers as of old, without a length but a header.
  ASSERT_GE(std::stoull(Fetch("https://pass.example.org/much")), kMuch);

  EXPECT_NEAR(Moved("7-100-gw1") - before, kMuch, kMuch * 0.02);
}

TEST_F(Usage, IsForgottenInMetricsWithTheRoute) {
  Load();
  ASSERT_TRUE(ProvisionName("7-100-gw1", "app", Serve("hello")).ok());
  ASSERT_TRUE(ProvisionName("7-100-gw2", "stays", Serve("hello")).ok());
  ASSERT_EQ(Get("https://app.gw.example.com/"), "hello|200");

  ASSERT_TRUE(host_->Deprovision(kNameType, "7-100-gw1", "{}", Options()).ok());

  auto const metrics = host_->Providers("metrics")->at(0);
  EXPECT_THAT(metrics, ::testing::Not(::testing::HasSubstr("7-100-gw1")));
  EXPECT_THAT(metrics, ::testing::HasSubstr("7-100-gw2"));
}

}  // namespace
}  // namespace trellis::plugins::gateway
