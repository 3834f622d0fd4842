// The keeper starts, watches, restarts and stops real processes, and outlives who asked for them.
#include "kernel/plugin/supervisor.hpp"

#include "kernel/plugin/call.hpp"
#include "kernel/sys/files.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/temp_dir.hpp"

#include <trellis/host.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <mutex>

namespace trellis::plugin {
namespace {

class SupervisorTest : public ::testing::Test {
 protected:
  SupervisorTest() {
    std::filesystem::create_directories(dir_ / "run");
    std::filesystem::create_directories(dir_ / "state");
    Reconnect();
  }
  ~SupervisorTest() override { EXPECT_TRUE(supervisor_->Quit(Soon())); }

  /// A daemon that starts anew.
  void Reconnect() {
    supervisor_.reset();
    supervisor_ = std::make_unique<Supervisor>(
        SupervisorOptions{TRELLIS_BUILD_DIR "/bin/trellis-keeper", dir_ / "run", dir_ / "state"},
        [this](std::string const& plugin, std::string_view topic, std::string const& payload) {
          std::lock_guard const lock(mutex_);
          events_.push_back(fmt::format("{} {} {}", plugin, topic, payload));
          changed_.notify_all();
        });
  }
  static std::int64_t Soon() {
    return MonotonicNs() + std::chrono::nanoseconds(testing::kPatience).count();
  }
  static ProcessSpec Shell(std::string const& script) {
    ProcessSpec spec;
    spec.argv = {"/bin/sh", "-c", script};
    spec.stop_timeout_s = 2;
    return spec;
  }
  ProcessStarted Ensure(std::string const& name, ProcessSpec const& spec,
                        std::vector<int> const& fds = {}) {
    auto const text = supervisor_->Ensure("plug", name, json::Dump(spec), fds, Soon());
    EXPECT_TRUE(text) << text.error().message;
    if (!text) return {};
    return json::Parse<ProcessStarted>(*text).value_or(ProcessStarted{});
  }
  std::vector<ProcessInfo> List() {
    auto const text = supervisor_->List("plug", "", Soon());
    EXPECT_TRUE(text) << text.error().message;
    if (!text) return {};
    return json::Parse<std::vector<ProcessInfo>>(*text).value_or(std::vector<ProcessInfo>{});
  }
  /// Waits for an event that holds all of `parts`.
  bool SawEvent(std::vector<std::string> const& parts) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, testing::kPatience, [&] {
      return std::any_of(events_.begin(), events_.end(), [&](std::string const& event) {
        return std::all_of(parts.begin(), parts.end(), [&](std::string const& part) {
          return event.find(part) != std::string::npos;
        });
      });
    });
  }
  static bool Alive(pid_t pid) { return ::kill(pid, 0) == 0; }

  testing::TempDir dir_;
  std::unique_ptr<Supervisor> supervisor_;
  std::mutex mutex_;  // guards events_
  std::condition_variable changed_;
  std::vector<std::string> events_;
};

TEST_F(SupervisorTest, StartsOnceForTheSameSpec) {
  auto const first = Ensure("a", Shell("exec sleep 1000"));
  auto const second = Ensure("a", Shell("exec sleep 1000"));

  EXPECT_TRUE(first.changed);
  EXPECT_FALSE(second.changed);
  EXPECT_EQ(first.pid, second.pid);
  EXPECT_TRUE(Alive(first.pid));
}

TEST_F(SupervisorTest, ReplacesAProcessWhoseSpecDiffers) {
  auto const first = Ensure("a", Shell("exec sleep 1000"));
  auto const second = Ensure("a", Shell("exec sleep 1001"));

  EXPECT_TRUE(second.changed);
  EXPECT_NE(first.pid, second.pid);
  EXPECT_FALSE(Alive(first.pid));
  EXPECT_TRUE(Alive(second.pid));
}

TEST_F(SupervisorTest, RestartsWhatDied) {
  auto const first = Ensure("a", Shell("exec sleep 1000"));
  ASSERT_EQ(::kill(first.pid, SIGKILL), 0);

  EXPECT_TRUE(SawEvent({"plug process.exited", fmt::format("\"pid\":{}", first.pid), "137"}));
  ASSERT_EQ(List().size(), 1U);
  auto const again = Ensure("a", Shell("exec sleep 1000"));  // does not wait for the delay
  EXPECT_NE(again.pid, first.pid);
  EXPECT_TRUE(Alive(again.pid));
}

TEST_F(SupervisorTest, RestartsByItselfAfterADelay) {
  std::string const script =
      fmt::format("test -e {0} && exec sleep 1000; touch {0}; exit 3", (dir_ / "second").string());
  auto const first = Ensure("a", Shell(script));

  EXPECT_TRUE(SawEvent({"process.exited", "\"status\":3", fmt::format("{}", first.pid)}));
  EXPECT_TRUE(SawEvent({"process.started"}));
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, testing::kPatience, [&] {
    return std::count_if(events_.begin(), events_.end(), [](std::string const& event) {
             return event.find("process.started") != std::string::npos;
           }) == 2;
  }));
  lock.unlock();
  auto const list = List();
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].state, "running");
  EXPECT_EQ(list[0].restarts, 1U);
}

TEST_F(SupervisorTest, LeavesAFinishedProcessAlone) {
  auto spec = Shell("exit 0");
  spec.restart = "on-failure";
  Ensure("a", spec);

  EXPECT_TRUE(SawEvent({"process.exited", "\"status\":0"}));
  auto const list = List();
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].state, "stopped");
}

TEST_F(SupervisorTest, OutlivesItsDaemon) {
  auto const first = Ensure("a", Shell("exec sleep 1000"));
  Reconnect();
  auto const second = Ensure("a", Shell("exec sleep 1000"));

  EXPECT_EQ(first.pid, second.pid);
  EXPECT_FALSE(second.changed);
}

TEST_F(SupervisorTest, KillsAGroupThatIgnoresTheSignal) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  auto spec = Shell("trap '' TERM; sleep 1000 & wait; sleep 1000");
  spec.listen_fds = {"held"};
  Ensure("a", spec, {ends[1]});
  ::close(ends[1]);
  auto const stopped = supervisor_->Stop("plug", "a", Soon());

  EXPECT_TRUE(stopped) << stopped.error().message;
  char byte = 0;
  EXPECT_EQ(::read(ends[0], &byte, 1), 0) << "the pipe ends when its last holder is dead";
  ::close(ends[0]);
  EXPECT_TRUE(List().empty());
}

TEST_F(SupervisorTest, StopsTheUnknownGladly) {
  EXPECT_TRUE(supervisor_->Stop("plug", "nothing", Soon()));
}

TEST_F(SupervisorTest, PassesExactlyTheEnvironmentAndTheDescriptors) {
  auto const out = dir_ / "out";
  int const fd = ::open(out.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0);
  auto spec = Shell("/usr/bin/env >&3; [ \"$LISTEN_PID\" = $$ ] && echo mine >&3");
  spec.restart = "never";
  spec.env = {{"SECRET", "x"}};
  spec.listen_fds = {"out"};
  Ensure("a", spec, {fd});
  ::close(fd);

  ASSERT_TRUE(SawEvent({"process.exited"}));
  auto const text = sys::ReadFile(out).value_or("");
  EXPECT_NE(text.find("SECRET=x\n"), std::string::npos);
  EXPECT_NE(text.find("LISTEN_FDS=1\n"), std::string::npos);
  EXPECT_NE(text.find("LISTEN_FDNAMES=out\n"), std::string::npos);
  EXPECT_NE(text.find("mine\n"), std::string::npos);
  EXPECT_EQ(text.find("HOME="), std::string::npos);
}

TEST_F(SupervisorTest, WritesTheLog) {
  auto spec = Shell("echo to-out; echo to-err >&2");
  spec.restart = "never";
  Ensure("deep/a", spec);

  ASSERT_TRUE(SawEvent({"process.exited"}));
  auto const text = sys::ReadFile(dir_ / "state/log/plug/deep/a.log").value_or("");
  EXPECT_EQ(text, "to-out\nto-err\n");
}

TEST_F(SupervisorTest, TellsWhyAProgramCannotStart) {
  ProcessSpec spec;
  spec.argv = {"/nowhere/program"};
  auto const started = supervisor_->Ensure("plug", "a", json::Dump(spec), {}, Soon());

  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Code::kNotFound);
  EXPECT_EQ(started.error().message, "exec '/nowhere/program': No such file or directory");
  EXPECT_TRUE(List().empty());
}

TEST_F(SupervisorTest, EndsWithEverythingOnRequest) {
  auto const started = Ensure("a", Shell("exec sleep 1000"));
  EXPECT_TRUE(supervisor_->Quit(Soon()));
  EXPECT_FALSE(Alive(started.pid));
}

}  // namespace
}  // namespace trellis::plugin
