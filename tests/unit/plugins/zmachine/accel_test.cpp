#include "plugins/zmachine/probe/accel.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace trellis::plugins::zmachine {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

/// The number in the file; 0: there is none yet.
pid_t PidIn(std::filesystem::path const& file) {
  pid_t pid = 0;
  std::ifstream(file) >> pid;
  return pid;
}

/// Waits for the end of a process that is not our child.
void WaitForEndOf(pid_t pid) {
  int const handle = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (handle < 0) return;  // it is gone
  pollfd wait{.fd = handle, .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&wait, 1, -1), 1);
  ::close(handle);
}

/// A probe program of these tests: a shell script.
class ScriptedProbe : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/trellis-probe.XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::filesystem::path Script(std::string const& text) const {
    auto const path = folder_ / "probe";
    std::ofstream(path) << "#!/bin/sh\n" << text;
    ::chmod(path.c_str(), 0755);
    return path;
  }

  std::filesystem::path folder_;
};

TEST_F(ScriptedProbe, MeansKvmWhenItSucceeds) {
  auto const report = ProbeAccel(Script("echo kvm works\n"));

  EXPECT_EQ(report.accel, Accel::kKvm);
  EXPECT_EQ(report.reason, "kvm works");
}

TEST_F(ScriptedProbe, MeansTcgWithItsReasonWhenItFails) {
  auto const report = ProbeAccel(Script("echo 'open /dev/kvm: Operation not permitted'; exit 1\n"));

  EXPECT_EQ(report.accel, Accel::kTcg);
  EXPECT_EQ(report.reason, "open /dev/kvm: Operation not permitted");
}

TEST_F(ScriptedProbe, IsKilledAtTheDeadlineWithItsChildren) {
  auto const script =
      Script("sleep 1000 &\necho $! >$(dirname $0)/child\nwhile :; do sleep 1000; done\n");

  auto deadline = 300ms;
  auto report = ProbeAccel(script, deadline);
  while (PidIn(folder_ / "child") == 0)  // the machine is busy: it was killed before it began
    report = ProbeAccel(script, deadline *= 2);

  EXPECT_EQ(report.accel, Accel::kTcg);
  EXPECT_EQ(report.reason, fmt::format("kvm probe did not end within {} ms", deadline.count()));
  WaitForEndOf(PidIn(folder_ / "child"));
}

TEST_F(ScriptedProbe, MeansTcgWhenItIsMissing) {
  auto const report = ProbeAccel("/nonexistent/probe");

  EXPECT_EQ(report.accel, Accel::kTcg);
  EXPECT_THAT(report.reason, HasSubstr("kvm probe '/nonexistent/probe' did not start"));
}

TEST(KvmProbe, DecidesOnThisMachine) {
  auto const report = ProbeAccel(TRELLIS_BUILD_DIR "/bin/trellis-kvm-probe");

  EXPECT_FALSE(report.reason.empty());
}

}  // namespace
}  // namespace trellis::plugins::zmachine
