// Files of a plugin that belong to somebody else are not loaded, whatever they hold.
#include "tests/unit/kernel/plugin/trust_lab.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

namespace trellis::plugin {
namespace {

using ::testing::HasSubstr;

constexpr uid_t kStranger = 65534;

class TrustOwner : public ::testing::Test {
 protected:
  std::string ReasonWhenOwnedByAStranger(std::filesystem::path const& path) {
    EXPECT_EQ(::chown(path.c_str(), kStranger, kStranger), 0);
    auto const status = trust_.Start();
    return status.state == "refused" ? status.reason : "state " + status.state;
  }
  TrustLab trust_;
};

TEST_F(TrustOwner, OfThePluginIsRoot) {
  EXPECT_THAT(ReasonWhenOwnedByAStranger(trust_.file()),
              HasSubstr("marker.trellis.so' is owned by user 65534, not by root"));
}

TEST_F(TrustOwner, OfTheFolderIsRoot) {
  EXPECT_THAT(ReasonWhenOwnedByAStranger(trust_.lab.plugins()),
              HasSubstr("plugins' is owned by user 65534, not by root"));
}

TEST_F(TrustOwner, OfTheManifestIsRoot) {
  EXPECT_THAT(ReasonWhenOwnedByAStranger(trust_.lab.plugins() / "marker.manifest.json"),
              HasSubstr("marker.manifest.json' is owned by user 65534, not by root"));
}

TEST_F(TrustOwner, OfTheSignatureIsRoot) {
  EXPECT_THAT(ReasonWhenOwnedByAStranger(trust_.signature()),
              HasSubstr("marker.manifest.json.sig' is owned by user 65534, not by root"));
}

TEST_F(TrustOwner, OfTheTrustStoreIsRoot) {
  EXPECT_THAT(ReasonWhenOwnedByAStranger(trust_.trust()),
              HasSubstr("trust.d' is owned by user 65534, not by root"));
}

TEST_F(TrustOwner, OfATrustedKeyIsRoot) {
  EXPECT_THAT(ReasonWhenOwnedByAStranger(trust_.trust() / "author.pub"),
              HasSubstr("author.pub' is owned by user 65534, not by root"));
}

TEST_F(TrustOwner, IsOnlyAWarningInDevMode) {
  trust_.lab.trust->dev = true;
  EXPECT_EQ(ReasonWhenOwnedByAStranger(trust_.file()), "state running");
  EXPECT_TRUE(trust_.lab.StatusOf("marker").dev);
}

}  // namespace
}  // namespace trellis::plugin
