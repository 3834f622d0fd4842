#include "tests/support/real_processes.hpp"

#include "kernel/plugin/call.hpp"

#include <algorithm>

namespace trellis::testing {

namespace {

constexpr std::int64_t kLimitNs = 30'000'000'000;
constexpr std::chrono::minutes kLongest{1};

std::int64_t Soon() {
  return plugin::MonotonicNs() + kLimitNs;
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
  host_.on_ensure = [this](std::string_view name, ProcessSpec const& spec) {
    return Run(name.substr(name.find('/') + 1), spec);
  };
  host_.on_stop = [this](std::string_view name) {
    (void)supervisor_->Stop("plug", name.substr(name.find('/') + 1), Soon());
  };
}

RealProcesses::~RealProcesses() {
  host_.on_ensure = nullptr;
  host_.on_stop = nullptr;
  (void)supervisor_->Quit(Soon());
}

Result<int> RealProcesses::Run(std::string_view name, ProcessSpec const& spec) {
  TRELLIS_TRY(auto const text, supervisor_->Ensure("plug", name, json::Dump(spec), {}, Soon()));
  TRELLIS_TRY(auto const started, json::Parse<ProcessStarted>(text));
  return started.pid;
}

bool RealProcesses::DeliverEnd(std::string_view name) {
  Ended ended;
  {
    std::unique_lock lock(mutex_);
    auto const find = [&] { return std::ranges::find(ended_, name, &Ended::name); };
    if (!news_.wait_for(lock, kLongest, [&] { return find() != ended_.end(); })) return false;
    ended = *find();
    ended_.erase(find());
  }
  host_.Publish("process.exited", ended.payload);
  return true;
}

}  // namespace trellis::testing
