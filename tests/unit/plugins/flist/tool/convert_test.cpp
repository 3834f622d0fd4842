#include "plugins/flist/tool/convert.hpp"

#include "plugins/flist/tool/startup_file.hpp"
#include "tests/support/image_tree.hpp"

#include <gmock/gmock.h>

#include <filesystem>

namespace trellis::plugins::flist {
namespace {

using ::testing::ElementsAre;
using testing::ReadText;
using testing::TempDir;
using testing::TestCall;
using testing::WriteTar;
using testing::WriteText;

class ConvertTest : public ::testing::Test {
 protected:
  Result<PackSummary> ConvertTo(std::string const& output, std::vector<Route> routes) {
    TestCall call;
    return Convert(*call, {dir_ / "docker.tar", output, std::move(routes), dir_.path()});
  }
  void WriteDocker() {
    WriteTar(dir_ / "1.tar", {{"bin/server", "program"}});
    WriteTar(
        dir_ / "docker.tar",
        {{"manifest.json", R"([{"Config":"c.json","Layers":["l/layer.tar"]}])"},
         {"c.json",
          R"({"config":{"Entrypoint":["/bin/server"],"Cmd":["-v","say \"hi\""],"Env":["A=b c"],"WorkingDir":"/w"}})"},
         {"l/layer.tar", ReadText(dir_ / "1.tar")}});
  }
  TempDir dir_;
};

TEST_F(ConvertTest, DockerImageBecomesADirectoryThatSaysWhatItRuns) {
  WriteDocker();

  auto const done = ConvertTo(dir_ / "out", {});

  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(ReadText(dir_ / "out/bin/server"), "program");
  EXPECT_EQ(ReadText(dir_ / "out/.startup.toml"),
            "[startup.entry]\nname = \"core.system\"\n\n[startup.entry.args]\nname = "
            "\"/bin/server\"\nargs = [\"-v\", \"say \\\"hi\\\"\"]\ndir = \"/w\"\n\n"
            "[startup.entry.args.env]\n\"A\" = \"b c\"\n");
}

TEST_F(ConvertTest, DockerImageBecomesAnRfsImage) {
  WriteDocker();

  auto const done = ConvertTo(dir_ / "out.fl", {{0, 255, "dir://" + (dir_ / "store")}});

  ASSERT_TRUE(done) << done.error().message;
  auto const image = FlFile::Open(dir_ / "out.fl");
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_TRUE((*image)->Lookup(kRootInode, ".startup.toml"));
}

TEST_F(ConvertTest, LeavesNothingBesideItsOutput) {
  WriteDocker();
  ASSERT_TRUE(ConvertTo(dir_ / "out", {}));

  for (auto const& entry : std::filesystem::directory_iterator(dir_.path()))
    EXPECT_FALSE(entry.path().filename().string().starts_with("trellis-flist-")) << entry.path();
}

TEST_F(ConvertTest, DoesNotReplaceADirectory) {
  WriteDocker();
  WriteText(dir_ / "out/mine", "x");

  EXPECT_EQ(ConvertTo(dir_ / "out", {}).error().code, Code::kExists);
  EXPECT_EQ(ReadText(dir_ / "out/mine"), "x");
}

TEST_F(ConvertTest, DirectoryNeedsAStore) {
  WriteText(dir_ / "docker.tar/etc/hostname", "x");

  EXPECT_EQ(ConvertTo(dir_ / "out", {}).error().code, Code::kInvalid);
  EXPECT_TRUE(ConvertTo(dir_ / "out.fl", {{0, 255, "dir://" + (dir_ / "store")}}));
  EXPECT_FALSE(testing::Exists(dir_ / "docker.tar/.startup.toml"));
}

TEST(StartupFile, OfTheImageStays) {
  TempDir const dir;
  WriteText(dir / ".startup.toml", "own");

  ASSERT_TRUE(
      WriteStartupFile(dir.path(), {.entrypoint = "\"/x\"", .env = {}, .cwd = "", .user = ""}));

  EXPECT_EQ(ReadText(dir / ".startup.toml"), "own");
}

TEST(StartupFile, IsNotWrittenThroughALink) {
  TempDir const dir;
  std::filesystem::create_directories(dir / "root");
  std::filesystem::create_symlink("../outside", dir / "root/.startup.toml");

  ASSERT_TRUE(
      WriteStartupFile(dir / "root", {.entrypoint = "\"/x\"", .env = {}, .cwd = "", .user = ""}));

  EXPECT_FALSE(testing::Exists(dir / "outside"));
}

TEST(QuotedWords, AreTakenApart) {
  EXPECT_THAT(QuotedWords(R"("/a b" "c\"d" "" "\\")"), ElementsAre("/a b", "c\"d", "", "\\"));
}

}  // namespace
}  // namespace trellis::plugins::flist
