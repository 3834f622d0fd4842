#include "tests/unit/plugins/types/type_lab.hpp"

namespace trellis::plugins {
namespace {

constexpr std::string_view kData = R"({"cache":100,"config":{"minimal_shards":2,"expected_shards":4,
  "redundant_groups":1,"redundant_nodes":3,"max_zdb_data_dir_size":32,
  "encryption":{"algorithm":"AES","key":"0A0b"},
  "meta":{"type":"zdb","config":{"prefix":"p","encryption":{"algorithm":"aes","key":"ff"},
    "backends":[{"address":"a","namespace":"n","password":"w"}]}},
  "groups":[{"backends":[{"address":"b","namespace":"m","password":""}]},{"backends":null}],
  "compression":{"algorithm":"snappy"}}})";

TEST(QsfsType, RefusesMoreNeededThanWrittenShards) {
  TypeLab lab("qsfs");

  EXPECT_EQ(lab.Verdict("qsfs", kData), "ok");
  EXPECT_EQ(lab.Verdict("qsfs", "{}"), "ok");
  EXPECT_EQ(lab.Verdict("qsfs", R"({"config":{"minimal_shards":3,"expected_shards":2}})"),
            "qsfs_shards");
  EXPECT_EQ(lab.Verdict("qsfs", R"({"config":{"encryption":{"key":"0"}}})"), "decode");
}

TEST(QsfsType, HashesInThePublishedOrder) {
  TypeLab lab("qsfs");

  EXPECT_EQ(lab.Challenge("qsfs", kData), "100241332AES0a0bzdbpaesffanwbmsnappy");
}

TEST(QsfsType, CountsItsProcessesAndItsCache) {
  TypeLab lab("qsfs");

  EXPECT_EQ(lab.host.CapacityOf("qsfs", kData).value(),
            (Capacity{.cru = 1, .sru = 100, .mru = std::uint64_t{1} << 30}));
}

}  // namespace
}  // namespace trellis::plugins
