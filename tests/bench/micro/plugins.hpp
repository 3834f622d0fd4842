// A plugin manager over what this build made, for measuring.
#pragma once

#include "kernel/plugin/manager.hpp"
#include "tests/bench/micro/must.hpp"
#include "tests/support/memory_kernel.hpp"
#include "tests/support/temp_dir.hpp"

#include <memory>
#include <string>

namespace trellis::bench {

class Plugins {
 public:
  /// `folder`: of the build, `plugins` or `noop-plugins`. Without `start` only the pure halves
  /// work.
  explicit Plugins(std::string const& folder, bool start = false, std::string config = "{}",
                   plugin::Hosting hosting = plugin::Hosting::kInline) {
    plugin::ManagerOptions options;
    options.plugins_dir = std::string(TRELLIS_BUILD_DIR "/") + folder;
    options.state_dir = dir_ / "state";
    options.run_dir = dir_ / "run";
    options.start = start;
    options.hosting = hosting;
    options.plugin_host = TRELLIS_BUILD_DIR "/bin/trellis-plugin-host";
    options.plugins["noop"] = plugin::PluginConfig{true, std::move(config)};
    manager_ = Must(plugin::Manager::Open(std::move(options), kernel_));
  }
  [[nodiscard]] plugin::Manager& manager() { return *manager_; }

 private:
  testing::TempDir dir_;
  plugin::KernelOfTests kernel_;
  std::unique_ptr<plugin::Manager> manager_;
};

}  // namespace trellis::bench
