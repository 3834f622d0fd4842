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

}  // namespace
}  // namespace trellis::plugin
