#include "plugins/zmachine/settings.hpp"

#include <gtest/gtest.h>

namespace trellis::plugins::zmachine {
namespace {

TEST(ZmachineSettings, ShortensALongEmbedRoot) {
  std::string const longer = "/" + std::string(45, 'x');

  EXPECT_EQ(EmbedRoot("/run/trellis/lv"), "/run/trellis/lv");
  EXPECT_TRUE(EmbedRoot(longer).starts_with("/run/trellis-"));
  EXPECT_EQ(EmbedRoot(longer), EmbedRoot(longer));
  EXPECT_NE(EmbedRoot(longer), EmbedRoot(longer + "x"));
}

TEST(ZmachineSettings, EmbedsOnlyInAProcessOfOurs) {
  Settings settings;

  EXPECT_TRUE(UsesEmbed(settings, /*isolated=*/false));
  EXPECT_FALSE(UsesEmbed(settings, /*isolated=*/true));
  settings.libvirt = "embed";
  EXPECT_TRUE(UsesEmbed(settings, /*isolated=*/true));
  settings.libvirt = "system";
  EXPECT_FALSE(UsesEmbed(settings, /*isolated=*/false));
}

TEST(ZmachineSettings, KeepsConfiguredPaths) {
  Settings settings;
  settings.guest_kernel = "/k";

  auto const found = FindPrograms(settings);

  EXPECT_EQ(found.guest_kernel, "/k");
  EXPECT_FALSE(found.initramfs.empty());
  EXPECT_FALSE(found.virtiofsd.empty());
}

TEST(ZmachineSettings, ConfiguredAcceleratorIsNotProbed) {
  Settings settings;
  settings.accel = "tcg";

  auto const report = ChooseAccel(settings);

  EXPECT_EQ(report.accel, Accel::kTcg);
  EXPECT_EQ(report.reason, "configured");
}

}  // namespace
}  // namespace trellis::plugins::zmachine
