#include "plugins/zmachine/probe/accel.hpp"

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

/// True when the process whose number is in the file ends within a second.
bool HasEnded(std::filesystem::path const& file) {
  pid_t pid = 0;
  std::ifstream(file) >> pid;
  int const handle = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (handle < 0) return pid > 0;
  pollfd wait{.fd = handle, .events = POLLIN, .revents = 0};
  bool const ended = ::poll(&wait, 1, 1000) == 1;
  ::close(handle);
  return ended;
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
  auto const script = Script("sleep 60 &\necho $! >$(dirname $0)/child\nwhile :; do :; done\n");

  auto const start = std::chrono::steady_clock::now();
  auto const report = ProbeAccel(script, 300ms);

  EXPECT_LT(std::chrono::steady_clock::now() - start, 1200ms);
  EXPECT_EQ(report.accel, Accel::kTcg);
  EXPECT_EQ(report.reason, "kvm probe did not end within 300 ms");
  EXPECT_TRUE(HasEnded(folder_ / "child"));
}

TEST_F(ScriptedProbe, MeansTcgWhenItIsMissing) {
  auto const report = ProbeAccel("/nonexistent/probe");

  EXPECT_EQ(report.accel, Accel::kTcg);
  EXPECT_THAT(report.reason, HasSubstr("kvm probe '/nonexistent/probe' did not start"));
}

TEST(KvmProbe, DecidesInTimeOnThisMachine) {
  auto const start = std::chrono::steady_clock::now();
  auto const report = ProbeAccel(TRELLIS_BUILD_DIR "/bin/trellis-kvm-probe");

  EXPECT_LT(std::chrono::steady_clock::now() - start, 1200ms);
  EXPECT_FALSE(report.reason.empty());
}

}  // namespace
}  // namespace trellis::plugins::zmachine
