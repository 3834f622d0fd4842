// A manager over copies of chosen plugins, with an in-memory kernel.
#pragma once

#include "kernel/plugin/manager.hpp"
#include "tests/support/memory_kernel.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace trellis::plugin {

class PluginLab {
 public:
  /// Copies `<build>/<folder>/<name>.trellis.so`.
  void Add(std::string const& name, std::string const& folder = "test-plugins") {
    auto const file = name + ".trellis.so";
    std::filesystem::create_directories(dir_ / "plugins");
    std::filesystem::copy_file(std::filesystem::path(TRELLIS_BUILD_DIR) / folder / file,
                               dir_ / "plugins" / file);
  }
  Manager& Open() {
    ManagerOptions options;
    options.plugins_dir = dir_ / "plugins";
    options.state_dir = dir_ / "state";
    options.run_dir = dir_ / "run";
    options.plugins = config;
    options.kernel_commands = kernel_commands;
    options.hosting = hosting;
    options.trust = trust;
    options.reload = reload;
    options.create_patience = create_patience;
    options.plugin_host = std::filesystem::path(TRELLIS_BUILD_DIR) / "bin/trellis-plugin-host";
    if (data_processes)
      options.keeper = std::filesystem::path(TRELLIS_BUILD_DIR) / "bin/trellis-keeper";
    options.restart_delays = {restart_delay};
    auto opened = Manager::Open(std::move(options), kernel_);
    if (!opened) throw std::runtime_error(opened.error().message);
    manager_ = *std::move(opened);
    return *manager_;
  }
  /// Every test runs twice: with the plugins in this process, and in helpers of their own.
  [[nodiscard]] static bool Isolated() {
    auto const* const hosting = std::getenv("TRELLIS_TEST_HOSTING");
    return hosting != nullptr && std::string_view(hosting) == "process";
  }
  [[nodiscard]] PluginStatus StatusOf(std::string_view name) const {
    for (auto const& status : manager_->Status()) {
      if (status.name == name) return status;
    }
    return {};
  }
  [[nodiscard]] std::filesystem::path root() const { return dir_ / ""; }
  [[nodiscard]] std::filesystem::path plugins() const { return dir_ / "plugins"; }
  [[nodiscard]] Manager& manager() { return *manager_; }
  [[nodiscard]] KernelOfTests& kernel() { return kernel_; }
  /// As the end of the daemon does.
  void Close() { manager_.reset(); }
  Hosting hosting = Isolated() ? Hosting::kProcess : Hosting::kInline;
  std::map<std::string, PluginConfig> config;
  std::chrono::milliseconds restart_delay{10};
  std::vector<std::string> kernel_commands;
  /// Plugins may have them: the test ends them, see Manager::supervisor.
  bool data_processes = false;
  std::optional<PluginTrust> trust;
  ReloadLimits reload;
  std::chrono::milliseconds create_patience{30000};

 private:
  testing::TempDir dir_;
  KernelOfTests kernel_;
  std::unique_ptr<Manager> manager_;
};

/// The plugins that have a process of their own below this one, by name.
inline std::set<std::string> HelpersOfThisProcess() {
  std::set<std::string> names;
  for (auto const& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream children(task.path() / "children");
    for (std::string pid; children >> pid;) {
      std::ifstream command("/proc/" + pid + "/cmdline");
      std::string program;
      std::string name;
      std::getline(command, program, '\0');
      std::getline(command, name, '\0');
      if (program.ends_with("/trellis-plugin-host")) names.insert(name);
    }
  }
  return names;
}

/// A workload of `type` whose data is the JSON text `data`.
inline OpRequest RequestFor(std::string type, std::string data) {
  OpRequest request;
  request.twin = 7;
  request.contract = 9;
  request.id = "7-9-w";
  request.name = "w";
  request.type = std::move(type);
  request.data = std::move(data);
  return request;
}

}  // namespace trellis::plugin
