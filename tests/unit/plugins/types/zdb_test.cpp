#include "tests/unit/plugins/types/type_lab.hpp"

namespace trellis::plugins {
namespace {

TEST(ZdbType, RefusesTheFirstBrokenRule) {
  TypeLab lab("zdb");

  EXPECT_EQ(lab.Verdict("zdb", R"({"mode":"other"})"), "size");
  EXPECT_EQ(lab.Verdict("zdb", R"({"size":1,"mode":"other"})"), "zdb_mode");
  EXPECT_EQ(lab.Verdict("zdb", R"({"size":1,"mode":"User"})"), "zdb_mode");
  EXPECT_EQ(lab.Verdict("zdb", R"({"size":1,"mode":"user"})"), "ok");
  EXPECT_EQ(lab.Verdict("zdb", R"({"size":1,"mode":"seq"})"), "ok");
  EXPECT_EQ(lab.Verdict("zdb", R"({"size":"1"})"), "decode");
}

TEST(ZdbType, HashesEveryMember) {
  TypeLab lab("zdb");

  EXPECT_EQ(lab.Challenge("zdb", R"({"public":true,"password":"p w","mode":"seq","size":10})"),
            "10seqp wtrue");
  EXPECT_EQ(lab.Challenge("zdb", "{}"), "0false");
}

TEST(ZdbType, TakesItsMembersInTextOrder) {
  TypeLab lab("zdb");

  EXPECT_EQ(lab.Challenge("zdb", R"({"public":true,"PUBLIC":false,"public":null,"size":2})"),
            "2false");
}

TEST(ZdbType, CountsItsSizeAsHardDisk) {
  TypeLab lab("zdb");

  EXPECT_EQ(lab.host.CapacityOf("zdb", R"({"size":18446744073709551615})").value(),
            (Capacity{.hru = UINT64_MAX}));
}

}  // namespace
}  // namespace trellis::plugins
