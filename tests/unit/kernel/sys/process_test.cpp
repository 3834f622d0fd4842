#include "kernel/sys/process.hpp"

#include "kernel/sys/files.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <cerrno>

namespace trellis::sys {
namespace {

using namespace std::chrono_literals;

SpawnOptions Shell(std::string script) {
  SpawnOptions options;
  options.argv = {"/bin/sh", "-c", std::move(script)};
  return options;
}

TEST(ChildProcess, TellsExitCodes) {
  auto child = ChildProcess::Spawn(Shell("exit 7"));
  ASSERT_TRUE(child);

  auto const status = child->Wait(testing::kPatience);

  ASSERT_TRUE(status);
  EXPECT_EQ(status->code, 7);
  EXPECT_FALSE(status->ok());
}

TEST(ChildProcess, TellsSignals) {
  auto child = ChildProcess::Spawn(Shell("exec sleep 1000"));
  ASSERT_TRUE(child);

  EXPECT_EQ(child->Wait(1ms).error().code, Code::kTimeout);
  child->Kill(SIGTERM);

  EXPECT_EQ(child->Wait(testing::kPatience)->ToString(), "killed by signal 15");
}

TEST(ChildProcess, NamesAProgramThatIsMissing) {
  SpawnOptions options;
  options.argv = {"/nonexistent/tool"};

  auto const child = ChildProcess::Spawn(options);

  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, Code::kNotFound);
  EXPECT_EQ(child.error().message, "start '/nonexistent/tool': No such file or directory");
}

TEST(ChildProcess, MapsDescriptorsThatOverlap) {
  auto first = Pipe::Make();
  auto second = Pipe::Make();
  ASSERT_TRUE(first && second);
  auto options = Shell("echo first >&3; echo second >&4");
  // Whatever the numbers here are, a mapping in place would overwrite one of them sooner or later.
  options.fds = {{first->write.get(), 3}, {second->write.get(), 4}};
  auto child = ChildProcess::Spawn(options);
  ASSERT_TRUE(child);
  ASSERT_TRUE(child->Wait(testing::kPatience)->ok());

  std::array<char, 16> text{};
  ASSERT_EQ(::read(first->read.get(), text.data(), text.size()), 6);
  EXPECT_EQ(std::string(text.data(), 6), "first\n");
  ASSERT_EQ(::read(second->read.get(), text.data(), text.size()), 7);
  EXPECT_EQ(std::string(text.data(), 7), "second\n");
}

TEST(ChildProcess, HasItsOwnFolderAndEnvironment) {
  testing::TempDir const dir;
  auto options = Shell("echo \"$GREETING\" > out");
  options.cwd = dir.path();
  options.env = {"GREETING=hello"};
  auto child = ChildProcess::Spawn(options);
  ASSERT_TRUE(child);

  ASSERT_TRUE(child->Wait(testing::kPatience)->ok());

  EXPECT_EQ(ReadFile(dir / "out").value(), "hello\n");
}

TEST(ChildProcess, DiesWithItsGroupWhenDropped) {
  auto pipe = Pipe::Make();
  ASSERT_TRUE(pipe);
  {
    auto options = Shell("sleep 1000 & echo ready >&3; wait");
    options.fds = {{pipe->write.get(), 3}};
    options.own_group = true;
    auto const child = ChildProcess::Spawn(options);
    ASSERT_TRUE(child);
    pipe->write.Reset();
    std::array<char, 6> ready{};
    ASSERT_EQ(::read(pipe->read.get(), ready.data(), ready.size()), 6);
  }

  // End of file: nobody of the group holds the writing end any more.
  pollfd fd{pipe->read.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&fd, 1, -1), 1);
  char byte = 0;
  EXPECT_EQ(::read(pipe->read.get(), &byte, 1), 0);
}

TEST(RunTool, GivesStandardOutput) {
  EXPECT_EQ(RunTool({"echo", "hello"}, testing::kPatience).value(), "hello\n");
}

TEST(RunTool, GivesMuchOutput) {
  EXPECT_EQ(RunTool({"head", "-c", "1000000", "/dev/zero"}, testing::kPatience)->size(), 1'000'000);
}

TEST(RunTool, ReportsFailureWithStandardError) {
  auto const output =
      RunTool({"/bin/sh", "-c", "echo out; echo broken >&2; exit 3"}, testing::kPatience);

  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code, Code::kIo);
  EXPECT_EQ(output.error().message, "run '/bin/sh': exit code 3: broken");
}

TEST(RunTool, KillsAToolThatTakesTooLong) {
  auto const output = RunTool({"sleep", "1000"}, 50ms);

  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code, Code::kTimeout);
}

TEST(RunTool, RefusesEndlessOutput) {
  EXPECT_EQ(RunTool({"cat", "/dev/zero"}, testing::kPatience).error().code, Code::kExhausted);
}

}  // namespace
}  // namespace trellis::sys
