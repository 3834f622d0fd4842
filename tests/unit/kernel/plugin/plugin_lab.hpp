// A manager over copies of chosen plugins, with an in-memory kernel.
#pragma once

#include "kernel/plugin/manager.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace trellis::plugin {

/// Keeps the key-value store; everything else is away.
class MemoryKernel final : public KernelServices {
 public:
  Result<std::string> DeploymentInfo(std::uint32_t, std::uint64_t) override { return Away(); }
  Result<std::string> Workload(std::uint32_t, std::uint64_t, std::string_view) override {
    return Away();
  }
  Result<std::string> WorkloadsByType(std::uint32_t, std::uint64_t,
                                      std::span<std::string_view const>) override {
    return Away();
  }
  Result<std::string> Shared(std::uint32_t, std::string_view, std::string_view) override {
    return Away();
  }
  Result<std::string> Current(std::string_view) override { return Away(); }
  Result<std::vector<std::pair<std::string, std::string>>> Known() override { return known; }
  std::vector<std::pair<std::string, std::string>> known;
  Result<std::string> Contract(std::uint64_t) override { return Away(); }
  Result<std::string> Twin(std::uint32_t) override { return Away(); }
  Result<std::string> NameOwner(std::string_view) override { return Away(); }
  bool NodeRented(std::uint32_t) override { return false; }
  Result<void> ReportFailed(std::string_view, std::string_view) override { return {}; }
  Result<void> ReportObserved(std::string_view, std::int32_t, std::string_view) override {
    return {};
  }
  Result<std::string> KvGet(std::string_view plugin, std::string_view key) override {
    auto const found = kv_.find({std::string(plugin), std::string(key)});
    if (found == kv_.end()) return Fail(Code::kNotFound, "no key '{}'", key);
    return found->second;
  }
  Result<void> KvPut(std::string_view plugin, std::string_view key,
                     std::string_view value) override {
    kv_[{std::string(plugin), std::string(key)}] = value;
    return {};
  }
  Result<void> KvRemove(std::string_view plugin, std::string_view key) override {
    kv_.erase({std::string(plugin), std::string(key)});
    return {};
  }
  Result<std::vector<std::string>> KvList(std::string_view plugin,
                                          std::string_view prefix) override {
    std::vector<std::string> keys;
    for (auto const& [key, value] : kv_) {
      if (key.first == plugin && key.second.starts_with(prefix)) keys.push_back(key.second);
    }
    return keys;
  }

 private:
  static tl::unexpected<Error> Away() { return Fail(Code::kUnavailable, "the ledger is away"); }
  std::map<std::pair<std::string, std::string>, std::string> kv_;
};

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
    options.plugin_host = std::filesystem::path(TRELLIS_BUILD_DIR) / "bin/trellis-plugin-host";
    options.restart_delays = {std::chrono::milliseconds(10)};
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
  [[nodiscard]] std::filesystem::path plugins() const { return dir_ / "plugins"; }
  [[nodiscard]] Manager& manager() { return *manager_; }
  Hosting hosting = Isolated() ? Hosting::kProcess : Hosting::kInline;
  std::map<std::string, PluginConfig> config;
  std::vector<std::string> kernel_commands;

 private:
  testing::TempDir dir_;
  MemoryKernel kernel_;
  std::unique_ptr<Manager> manager_;
};

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
