#include "kernel/plugin/manifest.hpp"

#include <gtest/gtest.h>

namespace trellis::plugin {
namespace {

using std::chrono::seconds;

Manifest Parse(std::string_view types) {
  auto const text = fmt::format(R"({{"name":"p","version":"1","types":[{}]}})", types);
  return Manifest::Parse(text, "p", "1").value();
}

TEST(ManifestDeadline, IsTheKernelsWhereTheManifestSaysNothing) {
  auto const manifest = Parse(R"({"name":"disk","deadline_s":{"update":0}})");

  EXPECT_EQ(manifest.Deadline("disk", "provision", seconds(60)), seconds(60));
  EXPECT_EQ(manifest.Deadline("disk", "update", seconds(60)), seconds(60));
  EXPECT_EQ(manifest.Deadline("other", "provision", seconds(60)), seconds(60));
}

TEST(ManifestDeadline, IsThePluginsUpToAQuarterOfAnHour) {
  auto const manifest = Parse(R"({"name":"disk","deadline_s":{"provision":900,"update":901}})");

  EXPECT_EQ(manifest.Deadline("disk", "provision", seconds(60)), seconds(900));
  EXPECT_EQ(manifest.Deadline("disk", "update", seconds(60)), seconds(900));
}

TEST(Manifest, IsOfItsPlugin) {
  EXPECT_FALSE(Manifest::Parse(R"({"name":"p","version":"1"})", "p", "2"));
  EXPECT_FALSE(Manifest::Parse(R"({"name":"p","version":"1"})", "q", "1"));
  EXPECT_FALSE(Manifest::Parse("[]", "p", "1"));
}

TEST(Manifest, HasTheSchemaOfItsConfiguration) {
  constexpr auto kText =
      R"({"name":"p","version":"1","config":{"version":2,"schema":{"type":"object"}}})";
  EXPECT_EQ(Manifest::Parse(kText, "p", "1")->config_schema, R"({"type":"object"})");
  auto const unsound = Manifest::Parse(
      R"({"name":"p","version":"1","config":{"version":2,"schema":{"typ":"object"}}})", "p", "1");
  ASSERT_FALSE(unsound);
  EXPECT_EQ(unsound.error().message,
            "plugin 'p' has an invalid manifest: config.schema.typ: this host does not know the "
            "keyword 'typ'");
}

}  // namespace
}  // namespace trellis::plugin
