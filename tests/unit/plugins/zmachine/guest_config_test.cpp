#include "plugins/zmachine/guest_config.hpp"

#include "plugins/zmachine/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace trellis::plugins::zmachine {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

GuestConfig TwoInterfaces() {
  GuestConfig config;
  config.id = "7-100-vm1";
  config.hostname = "vm1";
  config.interfaces = {{"52:54:00:12:34:56",
                        {"10.1.1.3/24", "fd39:775a:4846:1::3/64"},
                        "10.1.1.1",
                        "fd39:775a:4846:1::1",
                        {{"10.1.0.0/16", "10.1.1.1"}}},
                       {"52:54:00:12:34:57",
                        {"302:82a8:705:e5cf::2/64"},
                        "",
                        "",
                        {{"200::/7", "302:82a8:705:e5cf::1"}}}};
  config.nameservers = {"8.8.8.8", "1.1.1.1"};
  return config;
}

TEST(GuestInterface, PublicFamiliesLeadOutsideThemselves) {
  auto const inner = TwoInterfaces().interfaces.front();
  auto const after = [&](std::vector<std::string> addresses) {
    auto changed = inner;
    LeadOutside(changed, {"52:54:00:12:34:58", std::move(addresses), "", "", {}});
    return changed.gateway4 + "|" + changed.gateway6;
  };

  EXPECT_EQ(after({"203.0.113.5/24"}), "|fd39:775a:4846:1::1");
  EXPECT_EQ(after({"2001:db8::5/64"}), "10.1.1.1|");
  EXPECT_EQ(after({"203.0.113.5/24", "2001:db8::5/64"}), "|");
  EXPECT_EQ(after({}), "10.1.1.1|fd39:775a:4846:1::1");
}

TEST(ZosRc, SortsEnvAndQuotesEverything) {
  GuestConfig config;
  config.env = {{"B", "it's"}, {"A", ""}};
  config.entrypoint_words = {"/e", "x"};

  EXPECT_EQ(ZosRcText(config).value(),
            "export A=''\nexport B='it'\"'\"'s'\ninit='/e'\nset -- 'x'\n");
}

TEST(ZosRc, StartsSbinInitWithoutEntrypoint) {
  EXPECT_EQ(ZosRcText(GuestConfig{}).value(), "init='/sbin/init'\n");
}

TEST(ZosRc, RefusesBadEnvKeys) {
  for (std::string const key : {"A;reboot", "1A", "", "A B", "A\nB", "Ä"}) {
    GuestConfig config;
    config.env = {{key, "x"}};
    EXPECT_FALSE(ZosRcText(config)) << key;
  }
  EXPECT_TRUE(CheckEnvKey(std::string(128, 'A')));
  EXPECT_FALSE(CheckEnvKey(std::string(129, 'A')));
  EXPECT_TRUE(CheckEnvKey("_a1"));
}

TEST(SshKeys, SplitsAtNewlinesAndCommas) {
  EXPECT_THAT(SplitSshKeys("k1,k2\n\nk3 "), ElementsAre("k1", "k2", "k3"));
  EXPECT_THAT(SplitSshKeys(" ,\n"), IsEmpty());
}

TEST(NetworkConfig, QuotesMacAndLeavesEmptyKeysOut) {
  auto const text = NetworkConfigText(TwoInterfaces());

  EXPECT_THAT(text, StartsWith("#cloud-config\nversion: 2\nethernets:\n  eth0:\n"));
  EXPECT_THAT(text, HasSubstr("macaddress: \"52:54:00:12:34:56\"\n"));
  EXPECT_THAT(text, HasSubstr("    nameservers:\n      addresses:\n        - \"8.8.8.8\"\n"));
  EXPECT_THAT(text, EndsWith(R"(  eth1:
    match:
      macaddress: "52:54:00:12:34:57"
    dhcp4: false
    addresses:
      - "302:82a8:705:e5cf::2/64"
    routes:
      - to: "200::/7"
        via: "302:82a8:705:e5cf::1"
)"));
}

TEST(Mounts, AreCleanedAndSortedByDepth) {
  auto const mounts = OrderMounts({{"/dev/vda", "//a/./b/", "auto"}, {"/dev/vdb", "/a", "auto"}});

  ASSERT_TRUE(mounts);
  EXPECT_EQ((*mounts)[0].target, "/a");
  EXPECT_EQ((*mounts)[0].source, "/dev/vdb");
  EXPECT_EQ((*mounts)[1].target, "/a/b");
}

TEST(Mounts, RefusesTargetsThatBreakTheGuest) {
  for (std::string const target :
       {"data", "", "/", "/./", "/a/../b", "/dev/x", "/proc", "/sys/", "/a\nb"}) {
    auto const mounts = OrderMounts({{"/dev/vda", target, "auto"}});
    ASSERT_FALSE(mounts) << target;
    EXPECT_THAT(mounts.error().message, StartsWith("validating disk "));
    EXPECT_THAT(mounts.error().message, HasSubstr(": mount target can't be "));
  }
  EXPECT_FALSE(OrderMounts({{"x", "/a", "auto"}, {"y", "/a/", "auto"}}));
  EXPECT_FALSE(OrderMounts({{"x", "/" + std::string(255, 'a'), "auto"}}));
  EXPECT_TRUE(OrderMounts({{"x", "/development", "auto"}}));
}

TEST(Mounts, NamesDisksByLetter) {
  EXPECT_EQ(DiskDevice(0), "/dev/vda");
  EXPECT_EQ(DiskDevice(25), "/dev/vdz");
  EXPECT_EQ(DiskDevice(26), "/dev/vdaa");
}

TEST(KernelCommandLine, WritesNetworkAndEnvInTheOldFormat) {
  auto config = TwoInterfaces();
  config.env = {{"A", "1"}, {"B", "two words"}, {"C", "say \"no\""}, {"root", "/dev/evil"}};

  auto const line = VmKernelCommandLine(config, "btrfs");

  ASSERT_TRUE(line);
  EXPECT_EQ(line->text,
            "console=ttyS0 rw reboot=k panic=1 root=/dev/vda rootfstype=btrfs"
            " net_eth0=10.1.1.3/24;fd39:775a:4846:1::3/64 net_eth1=302:82a8:705:e5cf::2/64"
            " net_r4=default,10.1.1.1;10.1.0.0/16,10.1.1.1"
            " net_r6=default,fd39:775a:4846:1::1;200::/7,302:82a8:705:e5cf::1"
            " net_dns=8.8.8.8;1.1.1.1 host=vm1 A=1 B=\"two words\"");
  EXPECT_THAT(line->left_out, ElementsAre("C", "root"));
}

TEST(KernelCommandLine, RefusesTooManyVariables) {
  GuestConfig config;
  for (int i = 0; i < 24; ++i)
    config.env["K" + std::to_string(i)] = "v";
  EXPECT_TRUE(VmKernelCommandLine(config, "btrfs"));
  config.env["LAST"] = "v";

  EXPECT_EQ(VmKernelCommandLine(config, "btrfs").error().message,
            "too many environment variables for vm mode");
}

TEST(KernelCommandLine, RefusesLineBeyondTheKernelsBuffer) {
  GuestConfig config;
  config.env["K"] = "";
  auto const room = 2047 - VmKernelCommandLine(config, "btrfs")->text.size();
  config.env["K"] = std::string(room, 'x');
  EXPECT_EQ(VmKernelCommandLine(config, "btrfs")->text.size(), 2047U);
  config.env["K"] += 'x';

  EXPECT_EQ(VmKernelCommandLine(config, "btrfs").error().message, "kernel command line too long");
}

TEST(KernelCommandLine, AddsEntrypointVerbatimForImagesKernel) {
  auto const common = ContainerCommandLine();
  EXPECT_EQ(common,
            "console=ttyS0 rw reboot=k panic=1 root=vroot rootfstype=virtiofs rootdelay=30 "
            "boot.shell_on_fail");
  EXPECT_EQ(ContainerKernelCommandLine("/bin/x y").value(), common + " init=/bin/x y");
  EXPECT_EQ(ContainerKernelCommandLine("").value(), common);
  EXPECT_FALSE(ContainerKernelCommandLine(std::string(2048, 'x')));
}

}  // namespace
}  // namespace trellis::plugins::zmachine
