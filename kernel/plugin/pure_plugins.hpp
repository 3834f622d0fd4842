// The pure halves of the workload types, for programs that are no node: they decode, validate and
// hash with the same code that the node runs.
#pragma once

#include "kernel/plugin/manager.hpp"

#include <trellis/result.hpp>

#include <filesystem>
#include <memory>

namespace trellis::plugin {

class NoKernel;

/// Plugins that are loaded and created, but never started: nothing of the machine is touched.
/// Thread-safe as Manager.
class PurePlugins {
 public:
  /// Every plugin of the folder; without `trust` whoever signed it. A plugin that fails is listed
  /// with its reason in `plugins().Status()`. kIo: the folder cannot be read, or no private folder
  /// can be made.
  static Result<std::unique_ptr<PurePlugins>> Open(std::filesystem::path const& plugins_dir,
                                                   std::optional<PluginTrust> trust = {});
  ~PurePlugins();
  PurePlugins(PurePlugins const&) = delete;
  PurePlugins& operator=(PurePlugins const&) = delete;

  /// Effects answer kUnavailable.
  [[nodiscard]] Manager& plugins() { return *manager_; }

 private:
  PurePlugins();

  std::filesystem::path scratch_;  // state and run folders of the plugins; removed at the end
  std::unique_ptr<KernelServices> kernel_;
  std::unique_ptr<Manager> manager_;
};

}  // namespace trellis::plugin
