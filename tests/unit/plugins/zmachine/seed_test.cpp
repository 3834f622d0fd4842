#include "plugins/zmachine/guest/init/seed.hpp"

#include "plugins/zmachine/guest/init/accounts.hpp"
#include "plugins/zmachine/guest/init/yaml.hpp"
#include "plugins/zmachine/guest_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace trellis::guest {
namespace {

using plugins::zmachine::GuestConfig;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(Seed, ReadsWhatTheNodeWroteAboutTheNetwork) {
  GuestConfig config;
  config.interfaces = {{"52:54:00:12:34:56",
                        {"10.1.1.3/24", "fd00::3/64"},
                        "10.1.1.1",
                        "fd00::1",
                        {{"10.1.0.0/16", "10.1.1.1"}, {"100.64.0.0/16", "10.1.1.1"}}},
                       {"52:54:00:12:34:57", {"302::2/64"}, "", "", {{"200::/7", "302::1"}}}};
  config.nameservers = {"8.8.8.8", "2001:4860:4860::8888"};
  Seed seed;

  ParseNetworkConfig(plugins::zmachine::NetworkConfigText(config), seed);

  ASSERT_EQ(seed.interfaces.size(), 2U);
  auto const& first = seed.interfaces[0];
  EXPECT_EQ(first.mac, "52:54:00:12:34:56");
  EXPECT_THAT(first.addresses, ElementsAre("10.1.1.3/24", "fd00::3/64"));
  ASSERT_EQ(first.routes.size(), 4U);
  EXPECT_EQ(first.routes[1].to, "100.64.0.0/16");
  EXPECT_EQ(first.routes[2].to, "");
  EXPECT_EQ(first.routes[3].via, "fd00::1");
  EXPECT_EQ(seed.interfaces[1].routes[0].via, "302::1");
  EXPECT_THAT(seed.nameservers, ElementsAre("8.8.8.8", "2001:4860:4860::8888"));
}

TEST(Seed, ReadsWhatTheNodeWroteAboutUsersAndMounts) {
  GuestConfig config;
  config.hostname = "vm1";
  config.env = {{"SSH_KEY", "ssh-rsa AAAA a@b: \"x\",k2"}};
  config.mounts = {{"/dev/vda", "/data, [odd] \"name\"", "auto"}, {"share", "/q", "virtiofs"}};
  Seed seed;

  ParseMetaData(plugins::zmachine::MetaDataText(config), seed);
  ParseUserData(plugins::zmachine::UserDataText(config), seed);

  EXPECT_EQ(seed.hostname, "vm1");
  EXPECT_THAT(seed.ssh_keys, ElementsAre("ssh-rsa AAAA a@b: \"x\"", "k2"));
  ASSERT_EQ(seed.mounts.size(), 2U);
  EXPECT_EQ(seed.mounts[0].target, "/data, [odd] \"name\"");
  EXPECT_EQ(seed.mounts[1].type, "virtiofs");
}

TEST(Seed, ReadsWhatTheNodeWroteForTheShell) {
  GuestConfig config;
  config.env = {{"A", ""}, {"B", "it's\n$HOME = \"x\" #"}};
  config.entrypoint_words = {"/bin/sh", "-c", "echo 'hi'\nexit", ""};
  Seed seed;

  ParseZosRc(plugins::zmachine::ZosRcText(config).value(), seed);

  EXPECT_THAT(seed.env, ElementsAre(Pair("A", ""), Pair("B", "it's\n$HOME = \"x\" #")));
  EXPECT_THAT(seed.command, ElementsAre("/bin/sh", "-c", "echo 'hi'\nexit", ""));
  EXPECT_EQ(seed.Env("B"), "it's\n$HOME = \"x\" #");
  EXPECT_EQ(seed.Env("C"), "");
}

TEST(Seed, IsEmptyForEmptyVolumes) {
  Seed seed;
  ParseMetaData("", seed);
  ParseNetworkConfig("#cloud-config\nversion: 2\nethernets: {}\n", seed);
  ParseUserData("#cloud-config\nusers: []\n", seed);
  ParseZosRc("\n", seed);

  EXPECT_THAT(seed.interfaces, IsEmpty());
  EXPECT_THAT(seed.ssh_keys, IsEmpty());
  EXPECT_THAT(seed.command, IsEmpty());
}

TEST(Yaml, SurvivesDeepNestingAndRubbish) {
  std::string deep;
  for (std::size_t i = 0; i < 2000; ++i)
    deep += std::string(i, ' ') + "k:\n";
  EXPECT_EQ(ParseYaml(deep).map.size(), 1U);
  EXPECT_THAT(ParseYaml("nonsense\n- [\n\"\n  :\n").map, testing::SizeIs(testing::Le(2U)));
}

TEST(Accounts, AreFoundByNameNumberAndGroup) {
  std::string const passwd = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/:/bin/false\n";
  std::string const group = "root:x:0:\nstaff:x:50:web\n";

  EXPECT_EQ(FindAccount("web", passwd, group)->gid, 34U);
  EXPECT_EQ(FindAccount("33", passwd, group)->gid, 34U);
  EXPECT_EQ(FindAccount("web:staff", passwd, group)->gid, 50U);
  EXPECT_EQ(FindAccount("1000:1001", passwd, group)->gid, 1001U);
  EXPECT_EQ(FindAccount("1000", passwd, group)->uid, 1000U);
  EXPECT_FALSE(FindAccount("nobody", passwd, group));
  EXPECT_FALSE(FindAccount("web:nogroup", passwd, group));
  EXPECT_FALSE(FindAccount("", passwd, group));
}

}  // namespace
}  // namespace trellis::guest
