#include "plugins/zmachine/domain_xml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trellis::plugins::zmachine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Launch Container() {
  Launch launch;
  launch.id = "7-100-vm1";
  launch.kind = "container";
  launch.memory = 268435456;
  launch.kernel = "/boot/k";
  launch.initrd = "/boot/i";
  launch.cmdline = "a='<b>'";
  launch.shares = {{"/root&dir", "vroot"}};
  launch.disks = {{"/pool/d", "a_name_longer_than_twenty_characters", "7-100-d"}};
  launch.cidata = "/run/c";
  launch.interfaces = {{"t-1", "52:54:00:12:34:56"}};
  launch.console = "/run/s";
  launch.log = "/state/l";
  return launch;
}

DomainOptions Options(Accel accel) {
  return {"11", accel, 32, "/usr/lib/qemu/virtiofsd"};
}

TEST(DomainXml, EscapesEveryTextOfOthers) {
  auto const xml = DomainXml(Container(), Options(Accel::kTcg));

  EXPECT_THAT(xml, HasSubstr("<cmdline>a=&apos;&lt;b&gt;&apos;</cmdline>"));
  EXPECT_THAT(xml, HasSubstr("<source dir='/root&amp;dir'/>"));
}

TEST(DomainXml, PutsCidataAfterTheDisks) {
  auto const xml = DomainXml(Container(), Options(Accel::kTcg));

  EXPECT_THAT(xml,
              HasSubstr("<target dev='vda' bus='virtio'/><serial>a_name_longer_than_t</serial>"));
  EXPECT_THAT(xml, HasSubstr("<source file='/run/c'/><target dev='vdb' bus='virtio'/><readonly/>"));
}

TEST(DomainXml, FollowsTheAccelerator) {
  auto const slow = DomainXml(Container(), Options(Accel::kTcg));
  auto const fast = DomainXml(Container(), Options(Accel::kKvm));

  EXPECT_THAT(slow, HasSubstr("<domain type='qemu'>"));
  EXPECT_THAT(slow, HasSubstr("<tb-cache unit='MiB'>32</tb-cache>"));
  EXPECT_THAT(fast, HasSubstr("<domain type='kvm'>"));
  EXPECT_THAT(fast, HasSubstr("host-passthrough"));
  EXPECT_THAT(fast, Not(HasSubstr("tb-cache")));
}

TEST(DomainXml, BootsFirmwareFromTheDisk) {
  Launch launch = Container();
  launch.kernel.clear();
  launch.efi = true;

  auto const xml = DomainXml(launch, Options(Accel::kTcg));

  EXPECT_THAT(xml, HasSubstr("<os firmware='efi'>"));
  EXPECT_THAT(xml, HasSubstr("<boot dev='hd'/>"));
  EXPECT_THAT(xml, Not(HasSubstr("<cmdline>")));
}

TEST(DomainXml, CarriesTheLaunchHash) {
  Launch const launch = Container();
  auto const xml = DomainXml(launch, Options(Accel::kTcg));
  Launch other = launch;
  other.memory += 1;

  EXPECT_THAT(xml, HasSubstr("hash='" + LaunchHash(launch) + "'"));
  EXPECT_NE(LaunchHash(launch), LaunchHash(other));
  EXPECT_EQ(HashOfMetadata("<t:vm xmlns:t=\"u\" node=\"1\" hash=\"abc\"/>"), "abc");
  EXPECT_EQ(HashOfMetadata("<other/>"), "");
}

TEST(MachineUuid, IsStableAndOfVersionEight) {
  auto const uuid = MachineUuid("11", "7-100-vm1");

  EXPECT_EQ(uuid, MachineUuid("11", "7-100-vm1"));
  EXPECT_NE(uuid, MachineUuid("12", "7-100-vm1"));
  ASSERT_EQ(uuid.size(), 36U);
  EXPECT_EQ(uuid[14], '8');
  EXPECT_THAT(std::string("89ab"), HasSubstr(uuid.substr(19, 1)));
}

}  // namespace
}  // namespace trellis::plugins::zmachine
