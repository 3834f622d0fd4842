#include "plugins/zmachine/machine_files.hpp"

#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace trellis::plugins::zmachine {
namespace {

namespace fs = std::filesystem;

class MachineFilesTest : public ::testing::Test {
 protected:
  MachineFilesTest() {
    fs::create_directories(dir_ / "state");
    fs::create_directories(dir_ / "run");
  }
  testing::TempDir dir_;
  MachineFiles files_{(dir_ / "state").string(), (dir_ / "run").string(), "7-100-vm1"};
};

TEST_F(MachineFilesTest, ReadsBackTheLaunchDescription) {
  Launch launch;
  launch.id = "7-100-vm1";
  launch.disks = {{"/d", "data", "7-100-data"}};
  ASSERT_TRUE(files_.Make());

  ASSERT_TRUE(files_.WriteLaunch(launch));

  auto const read = files_.ReadLaunch();
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, launch);
  EXPECT_THAT(ListFolders((dir_ / "run").string(), "launch.json"),
              ::testing::ElementsAre("7-100-vm1"));
}

TEST_F(MachineFilesTest, RemoveLeavesNothingAndMayBeRepeated) {
  ASSERT_TRUE(files_.Make());

  ASSERT_TRUE(files_.Remove());
  ASSERT_TRUE(files_.Remove());

  EXPECT_TRUE(fs::is_empty(dir_ / "run"));
  EXPECT_TRUE(fs::is_empty(dir_ / "state"));
  EXPECT_EQ(files_.ReadLaunch().error().code, Code::kNotFound);
}

TEST_F(MachineFilesTest, KeepsTheSocketPathShortForTheLongestId) {
  std::string const id = "4294967295-18446744073709551615-" + std::string(36, 'n');
  MachineFiles const files("/var/lib/trellis/plugins/zmachine", "/run/trellis/plugins/zmachine",
                           id);

  EXPECT_LT(files.console().size(), 108U);
  EXPECT_TRUE(files.console().starts_with("/run/trellis/plugins/zmachine/"));
  EXPECT_TRUE(files_.console().ends_with("/7-100-vm1/console.sock"));
}

TEST_F(MachineFilesTest, CutsALogThatGrewTooLarge) {
  ASSERT_TRUE(files_.Make());
  std::ofstream(files_.log()) << "0123456789";

  ASSERT_TRUE(RotateLog(files_.log(), 100, 4));
  EXPECT_EQ(fs::file_size(files_.log()), 10U);
  ASSERT_TRUE(RotateLog(files_.log(), 5, 4));

  EXPECT_EQ(fs::file_size(files_.log()), 0U);
  EXPECT_EQ(ReadTail(files_.log() + ".0", 100), "6789");
}

TEST_F(MachineFilesTest, TellsReadersWhichBytesOfTheLogTheCopyHas) {
  ASSERT_TRUE(files_.Make());
  std::ofstream(files_.log()) << "0123456789";

  ASSERT_TRUE(RotateLog(files_.log(), 5, 4));

  struct stat copy {};
  ASSERT_EQ(::stat((files_.log() + ".0").c_str(), &copy), 0);
  EXPECT_EQ(ReadTail(files_.log() + ".rotated", 100),
            fmt::format(R"({{"inode":{},"start":6,"end":10}})", copy.st_ino));
}

TEST_F(MachineFilesTest, ReadsTheTailOnly) {
  ASSERT_TRUE(files_.Make());
  std::ofstream(files_.log()) << "0123456789";

  EXPECT_EQ(ReadTail(files_.log(), 3), "789");
  EXPECT_EQ(ReadTail("/nowhere", 3), "");
}

}  // namespace
}  // namespace trellis::plugins::zmachine
