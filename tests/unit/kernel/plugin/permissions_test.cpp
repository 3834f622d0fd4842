#include "kernel/plugin/permissions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trellis::plugin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(HelperRights, AreThoseOfTheListedPermissions) {
  auto const rights =
      HelperRights::Of({"net.connect", "fs.read:/a", "fs.write:/b", "device:/dev/kvm"});

  ASSERT_TRUE(rights);
  EXPECT_TRUE(rights->net_connect);
  EXPECT_FALSE(rights->net_admin);
  EXPECT_THAT(rights->read, ElementsAre("/a"));
  EXPECT_THAT(rights->write, ElementsAre("/b"));
  EXPECT_THAT(rights->devices, ElementsAre("/dev/kvm"));
}

TEST(HelperRights, OfAPluginThatAsksForNothingAreNone) {
  auto const rights = HelperRights::Of({});

  ASSERT_TRUE(rights);
  EXPECT_TRUE(rights->confined());
  EXPECT_FALSE(rights->net_connect || rights->net_bind_low || rights->fs_owner);
}

TEST(HelperRights, TakeTheDaemonsPermissionsForKnown) {
  EXPECT_TRUE(HelperRights::Of({"deployment.shared", "deployment.all", "contract.read", "twin.read",
                                "name.read", "command:zos.x.", "event:x.", "process.spawn",
                                "engine.report", "unix:/run/libvirt"}));
}

TEST(Grant, OfAPrefixCoversWhatBeginsWithIt) {
  std::vector<std::string> const granted{"command:zos.x.foo.", "event:foo.", "name.read"};

  EXPECT_TRUE(IsGranted(granted, "command:zos.x.foo.list"));
  EXPECT_TRUE(IsGranted(granted, "command:"));
  EXPECT_TRUE(IsGranted(granted, "event:foo.changed"));
  EXPECT_TRUE(IsGranted(granted, "name.read"));
  EXPECT_FALSE(IsGranted(granted, "command:zos.x.fool"));
  EXPECT_FALSE(IsGranted(granted, "event:bar"));
  EXPECT_FALSE(IsGranted(granted, "name.readable"));
  EXPECT_FALSE(IsGranted({}, "command:"));
}

class MountingPermission : public ::testing::TestWithParam<char const*> {};

TEST_P(MountingPermission, LiftsTheConfinementOfFiles) {
  auto const rights = HelperRights::Of({GetParam()});

  ASSERT_TRUE(rights);
  EXPECT_FALSE(rights->confined());
}

INSTANTIATE_TEST_SUITE_P(Both, MountingPermission, ::testing::Values("net.namespace", "fs.mount"));

struct Refused {
  char const* permission;
  char const* text;
};
class BadPermission : public ::testing::TestWithParam<Refused> {};

TEST_P(BadPermission, IsRefusedByName) {
  auto const rights = HelperRights::Of({"net.admin", GetParam().permission});

  ASSERT_FALSE(rights);
  EXPECT_EQ(rights.error().code, Code::kInvalid);
  EXPECT_THAT(rights.error().message, HasSubstr(GetParam().text));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadPermission,
    ::testing::Values(Refused{"sys.reboot", "unknown permission 'sys.reboot'"},
                      Refused{"net.Admin", "unknown permission 'net.Admin'"},
                      Refused{"", "unknown permission ''"},
                      Refused{"fs.read:", "needs an absolute path after the colon"},
                      Refused{"fs.write:pools", "needs an absolute path after the colon"},
                      Refused{"device:kvm", "needs an absolute path after the colon"},
                      Refused{"fs.read:/a/../b", "needs an absolute path after the colon"},
                      Refused{"command:", "needs a prefix after the colon"}));

TEST(Permissions, ThatAreTooLongAreRefused) {
  EXPECT_FALSE(HelperRights::Of({"fs.read:/" + std::string(5000, 'x')}));
}

TEST(Permissions, NameTheNodesFolders) {
  auto const said = WithFolders({"fs.read:{state}/plugins/flist", "fs.write:{run}/x", "net.admin"},
                                {"/var/lib/trellis", "/run/trellis"});

  EXPECT_THAT(said, ElementsAre("fs.read:/var/lib/trellis/plugins/flist", "fs.write:/run/trellis/x",
                                "net.admin"));
}

TEST(Permissions, AreGrantedAsAskedWhenTheOperatorSaysNothing) {
  EXPECT_THAT(Granted({"net.admin", "fs.mount"}, std::nullopt),
              ElementsAre("net.admin", "fs.mount"));
}

TEST(Permissions, AreNarrowedByTheOperatorAndNeverWidened) {
  std::vector<std::string> const asked{"net.admin", "fs.mount"};

  auto const granted = Granted(asked, std::vector<std::string>{"fs.mount", "net.connect"});

  EXPECT_THAT(granted, ElementsAre("fs.mount"));
  EXPECT_THAT(Missing(asked, granted), ElementsAre("net.admin"));
}

}  // namespace
}  // namespace trellis::plugin
