#include "tests/support/real_processes.hpp"

#include "kernel/plugin/call.hpp"
#include "tests/support/patience.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace trellis::testing {

namespace {

/// The plugin and the name of its process.
std::pair<std::string_view, std::string_view> Split(std::string_view key) {
  auto const slash = key.find('/');
  return {key.substr(0, slash), key.substr(slash + 1)};
}

std::int64_t Soon() {
  return plugin::MonotonicNs() + std::chrono::nanoseconds(kPatience).count();
}

}  // namespace

RealProcesses::RealProcesses(FakeHost& host, std::filesystem::path const& dir) : host_(host) {
  std::filesystem::create_directories(dir / "run");
  std::filesystem::create_directories(dir / "state");
  supervisor_ = std::make_unique<plugin::Supervisor>(
      plugin::SupervisorOptions{TRELLIS_BUILD_DIR "/bin/trellis-keeper", dir / "run",
                                dir / "state"},
      [this](std::string const&, std::string_view topic, std::string const& payload) {
        if (topic != "process.exited") return;
        auto const process = json::Parse<ProcessInfo>(payload);
        std::scoped_lock const lock(mutex_);
        ended_.push_back({process ? process->name : "", payload});
        news_.notify_all();
      });
  EXPECT_TRUE(supervisor_->Attach());
  host_.on_ensure = [this](std::string_view name, ProcessSpec const& spec) {
    return Run(name, spec);
  };
  host_.on_list = [this](std::string_view plugin, std::string_view prefix) {
    return List(plugin, prefix);
  };
  host_.on_stop = [this](std::string_view name) {
    auto const [plugin, process] = Split(name);
    EXPECT_TRUE(supervisor_->Stop(plugin, process, Soon()));
  };
}

RealProcesses::~RealProcesses() {
  host_.on_list = nullptr;
  host_.on_ensure = nullptr;
  host_.on_stop = nullptr;
  EXPECT_TRUE(supervisor_->Quit(Soon()));
}

Result<int> RealProcesses::Run(std::string_view name, ProcessSpec const& spec) {
  auto const [plugin, process] = Split(name);
  TRELLIS_TRY(auto const text, supervisor_->Ensure(plugin, process, json::Dump(spec), {}, Soon()));
  TRELLIS_TRY(auto const started, json::Parse<ProcessStarted>(text));
  return started.pid;
}

std::vector<ProcessInfo> RealProcesses::List(std::string_view plugin, std::string_view prefix) {
  auto const text = supervisor_->List(plugin, prefix, Soon());
  auto list = text ? json::Parse<std::vector<ProcessInfo>>(*text)
                   : Result<std::vector<ProcessInfo>>(std::vector<ProcessInfo>{});
  return list.value_or(std::vector<ProcessInfo>{});
}

int RealProcesses::PidOf(std::string_view name) {
  auto const [plugin, process] = Split(name);
  for (auto const& each : List(plugin, process)) {
    if (each.name == process && each.state == "running") return each.pid;
  }
  return 0;
}

bool RealProcesses::DeliverEnd(std::string_view name) {
  Ended ended;
  {
    std::unique_lock lock(mutex_);
    auto const find = [&] { return std::ranges::find(ended_, name, &Ended::name); };
    if (!news_.wait_for(lock, kPatience, [&] { return find() != ended_.end(); })) return false;
    ended = *find();
    ended_.erase(find());
  }
  host_.Publish("process.exited", ended.payload);
  return true;
}

}  // namespace trellis::testing
