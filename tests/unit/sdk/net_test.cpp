// Addresses and ranges: what is read, and the one text that is written.
#include <trellis/capacity.hpp>
#include <trellis/net.hpp>

#include <gtest/gtest.h>

#include <string>

namespace trellis {
namespace {

// Canonical text, or "refused".
template <class T>
std::string Canonical(std::string_view text) {
  auto const value = T::Parse(text);
  return value ? value->ToString() : "refused";
}

TEST(IpAddress, HasOneText) {
  EXPECT_EQ(Canonical<IpAddress>(""), "");
  EXPECT_EQ(Canonical<IpAddress>("10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(Canonical<IpAddress>("FE80:0:0:0:0:0:0:1"), "fe80::1");
  EXPECT_EQ(Canonical<IpAddress>("1:0:0:2:0:0:0:3"), "1:0:0:2::3");
  EXPECT_EQ(Canonical<IpAddress>("1:0:0:2:3:0:0:4"), "1::2:3:0:0:4");
  EXPECT_EQ(Canonical<IpAddress>("1:0:2:3:4:5:6:7"), "1:0:2:3:4:5:6:7");
  EXPECT_EQ(Canonical<IpAddress>("::1.2.3.4"), "::102:304");
  EXPECT_EQ(Canonical<IpAddress>("::ffff:c0a8:101"), "192.168.1.1");
  EXPECT_EQ(Canonical<IpAddress>("::"), "::");
  EXPECT_EQ(Canonical<IpAddress>("1::"), "1::");
}

TEST(IpAddress, RefusesOtherTexts) {
  for (auto const* bad :
       {" 10.0.0.1", "10.0.0.1 ", "10.0.0", "10.0.0.256", "10.0.0.01", "1.2.3.4.5", "fe80::1%1",
        "fe80::1%eth0", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7::8:9", ":::", "::12345", "10.0.0.1/8",
        "1::2::3", "[::1]", "1:2:3:4:5:6:7:1.2.3.4", "0x7f.1.1.1", "::ffff:1.2.3"})
    EXPECT_EQ(Canonical<IpAddress>(bad), "refused") << bad;
  EXPECT_EQ(Canonical<IpAddress>(std::string_view("10.0.0.1\0", 9)), "refused");
}

TEST(IpNet, KeepsItsHostBits) {
  EXPECT_EQ(Canonical<IpNet>("10.20.2.7/24"), "10.20.2.7/24");
  EXPECT_EQ(Canonical<IpNet>("FD00:0:0:0:1:0:0:AB/64"), "fd00::1:0:0:ab/64");
  EXPECT_EQ(Canonical<IpNet>("10.20.0.0/016"), "10.20.0.0/16");
  EXPECT_EQ(Canonical<IpNet>("::/0"), "::/0");
  EXPECT_EQ(Canonical<IpNet>(""), "");
}

TEST(IpNet, MappedRangesBecomeIpv4) {
  EXPECT_EQ(Canonical<IpNet>("::ffff:1.2.3.4/128"), "1.2.3.4/32");
  EXPECT_EQ(Canonical<IpNet>("::ffff:10.0.0.1/64"), "10.0.0.1/0");
  EXPECT_EQ(Canonical<IpNet>("::ffff:10.0.0.1/96"), "10.0.0.1/0");
}

TEST(IpNet, RefusesOtherTexts) {
  for (auto const* bad :
       {"10.1.2.3", "10.1.2.3/", "10.1.2.3/33", "10.1.2.3/-1", "10.1.2.3/+8", "10.1.2.3/8 ",
        "10.1.2.3/8/8", "/8", "::1/129", "::1/99999999999", "/", "10.1.2.3/0x8", "fe80::1%1/64"})
    EXPECT_EQ(Canonical<IpNet>(bad), "refused") << bad;
}

TEST(HexBytes, TakeEitherCaseAndWriteLower) {
  EXPECT_EQ(Canonical<HexBytes>("0A0b"), "0a0b");
  EXPECT_EQ(Canonical<HexBytes>(""), "");
  for (auto const* bad : {"0", "0x00", "0g", " 00", "00 "})
    EXPECT_EQ(Canonical<HexBytes>(bad), "refused") << bad;
}

TEST(Capacity, SumsSaturate) {
  Capacity sum{.cru = 1, .sru = UINT64_MAX, .ipv4u = 2};
  sum += {.cru = 2, .sru = 1, .hru = 5};

  EXPECT_EQ(sum, (Capacity{.cru = 3, .sru = UINT64_MAX, .hru = 5, .ipv4u = 2}));
}

}  // namespace
}  // namespace trellis
