#include "kernel/plugin/manifest_pack.hpp"

#include <gmock/gmock.h>

namespace trellis::plugin {
namespace {

using ::testing::HasSubstr;

/// A plugin that registers a type, a service and a command, and says `text` about itself.
Description ADisk(std::string text = R"({"manifest":1,"name":"disk","version":"2.0"})") {
  Description disk;
  disk.name = "disk";
  disk.version = "2.0";
  disk.manifest = std::move(text);
  disk.abi = {1, 0, 0};
  disk.types.push_back({"disk", false, true, false, false, 100, 4, {"net"}});
  disk.services = {"t.disk/1"};
  disk.commands.push_back({"zos.x.disk.list", 0, 0, 0, 0, 0, {"zos.x.disk.all"}});
  disk.providers.push_back({"health", "disks", ""});
  return disk;
}

std::string Packed(Description const& found) {
  auto const text = PackManifest(found, {"disk.trellis.so", 3, "00"});
  return text ? *text : "refused: " + text.error().message;
}

/// ADisk with more keys in its text.
std::string PackedWith(std::string const& keys) {
  return Packed(ADisk(R"({"manifest":1,"name":"disk","version":"2.0",)" + keys + "}"));
}

TEST(PackManifest, WritesWhatTheCodeIs) {
  EXPECT_EQ(
      Packed(ADisk()),
      R"({"manifest":1,"name":"disk","version":"2.0","summary":"","license":"",)"
      R"("file":{"name":"disk.trellis.so","size":3,"blake2b_256":"00"},)"
      R"("abi":{"major":1,"built":0,"required":0},"threading":"serial","hosting":{"inline":true},)"
      R"("types":[{"name":"disk","sharable":false,"rank":100,"max_parallel":4,"update":true,)"
      R"("pause":false,"after":["net"]}],)"
      R"("services":{"provides":["t.disk/1"],"requires":[],"wants":[]},)"
      R"("commands":["zos.x.disk.all","zos.x.disk.list"],)"
      R"("providers":[{"kind":"health","name":"disks"}],"permissions":[],)"
      R"("config":{"version":1,"schema":{"type":"object","additionalProperties":false}},)"
      R"("state":{"version":1}})"
      "\n");
}

TEST(PackManifest, KeepsWhatOnlyTheTextCanSay) {
  auto const text = PackedWith(
      R"("license":"MIT","permissions":["net.admin"],"types":[{"name":"disk","deadline_s":{"provision":9}}])");
  EXPECT_THAT(text, HasSubstr(R"("license":"MIT")"));
  EXPECT_THAT(text, HasSubstr(R"("permissions":["net.admin"])"));
  EXPECT_THAT(text, HasSubstr(R"("after":["net"],"deadline_s":{"provision":9}})"));
}

TEST(PackManifest, ReadsAsAManifestFile) {
  auto const manifest = Manifest::ParseFile(Packed(ADisk())).value();
  EXPECT_EQ(manifest.file.size, 3U);
  EXPECT_EQ(manifest.abi, (AbiFacts{1, 0, 0}));
  EXPECT_TRUE(CompareRegistered(manifest, RegisteredIn(ADisk())));
  EXPECT_TRUE(CompareDescriptor(manifest, "2.0", {1, 0, 0}));
}

TEST(PackManifest, NamesWhatTheTextSaysOtherwise) {
  EXPECT_EQ(
      PackedWith(R"("threading":"parallel")"),
      R"(refused: plugin 'disk': its manifest text says "parallel" for 'threading', its code )"
      R"(says "serial")");
  EXPECT_THAT(PackedWith(R"("types":[{"name":"disk","rank":7}])"),
              HasSubstr("says 7 for 'types.disk.rank', its code says 100"));
  EXPECT_THAT(PackedWith(R"("services":{"provides":[]})"),
              HasSubstr(R"(says [] for 'services.provides', its code says ["t.disk/1"])"));
  EXPECT_THAT(Packed(ADisk(R"({"manifest":1,"name":"disk","version":"1"})")),
              HasSubstr(R"(says "1" for 'version', its code says "2.0")"));
}

TEST(PackManifest, NamesTypesOfOneSideOnly) {
  EXPECT_THAT(PackedWith(R"("types":[])"), HasSubstr("its code registers type 'disk'"));
  EXPECT_THAT(PackedWith(R"("types":[{"name":"disk"},{"name":"tape"}])"),
              HasSubstr(R"(its manifest text lists type "tape")"));
}

TEST(PackManifest, WantsTheThreeKeysOfEveryManifest) {
  EXPECT_THAT(Packed(ADisk(R"({"manifest":1,"name":"disk"})")), HasSubstr("has no 'version'"));
  EXPECT_THAT(Packed(ADisk("[]")), HasSubstr("is no JSON object"));
}

TEST(CompareRegistered, BearsCommandsThatWereNotGranted) {
  auto const manifest = Manifest::ParseFile(Packed(ADisk())).value();
  auto fewer = RegisteredIn(ADisk());
  fewer.commands.clear();
  fewer.providers.clear();
  EXPECT_TRUE(CompareRegistered(manifest, fewer));

  auto more = RegisteredIn(ADisk());
  more.commands.emplace_back("zos.x.disk.secret");
  auto const refused = CompareRegistered(manifest, more);
  ASSERT_FALSE(refused);
  EXPECT_EQ(
      refused.error().message,
      "plugin 'disk' registers command 'zos.x.disk.secret', which its manifest does not list");
}

TEST(CompareRegistered, NamesAServiceOfOneSideOnly) {
  auto const manifest = Manifest::ParseFile(Packed(ADisk())).value();
  auto none = RegisteredIn(ADisk());
  none.services.clear();
  EXPECT_EQ(CompareRegistered(manifest, none).error().message,
            "the manifest of plugin 'disk' lists service 't.disk/1', which it does not register");
}

}  // namespace
}  // namespace trellis::plugin
