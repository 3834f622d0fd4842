// Data processes of a FakeHost's plugins that really run, under a supervisor of their own.
#pragma once

#include "kernel/plugin/supervisor.hpp"
#include "tests/support/fake_host.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace trellis::testing {

/// Thread-safe. Processes get the namespaces of the thread that makes the object.
class RealProcesses {
 public:
  /// The keeper's socket and the logs are in `dir`; one that runs there already is taken over. The
  /// host must outlive the object or drop its plugins first.
  RealProcesses(FakeHost& host, std::filesystem::path const& dir);
  ~RealProcesses();
  RealProcesses(RealProcesses const&) = delete;
  RealProcesses& operator=(RealProcesses const&) = delete;

  /// A process that no plugin asked for; `name`: `<anything>/<name>`.
  Result<int> Run(std::string_view name, ProcessSpec const& spec);
  /// Of `<plugin>/<name>`; 0 when it does not run.
  int PidOf(std::string_view name);
  /// Waits until a process of that name, without its plugin, ends by itself and tells the plugins
  /// so. False: it did not in time.
  bool DeliverEnd(std::string_view name);

 private:
  struct Ended {
    std::string name;
    std::string payload;
  };
  std::vector<ProcessInfo> List(std::string_view plugin, std::string_view prefix);

  FakeHost& host_;
  std::mutex mutex_;  // guards ended_
  std::condition_variable news_;
  std::deque<Ended> ended_;
  std::unique_ptr<plugin::Supervisor> supervisor_;
};

}  // namespace trellis::testing
