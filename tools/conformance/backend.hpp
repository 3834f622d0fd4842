// The host behind a plugin in a helper process: its store in memory, services from the samples.
#pragma once

#include "kernel/plugin/host_backend.hpp"
#include "kernel/plugin/no_kernel.hpp"
#include "tools/conformance/samples.hpp"

#include <string>
#include <vector>

namespace trellis::conformance {

class MemoryBackend final : public plugin::HostBackend {
 public:
  /// All borrowed; `types` gets the names that the plugin registers.
  MemoryBackend(std::string name, plugin::MemoryKernel& store, Samples const& samples,
                std::vector<std::string>& types)
      : name_(std::move(name)), store_(store), samples_(samples), types_(types) {}

  void Log(std::int32_t, std::string_view, std::string_view) override {}
  std::int32_t LogLevel() override { return TRL_LOG_TRACE; }
  void Progress(plugin::CallInfo const&, std::uint32_t, std::string_view) override {}
  Result<void> AddType(plugin::TypeInfo type) override;
  Result<void> AddService(std::string const&) override { return {}; }
  Result<void> AddCommand(plugin::CommandInfo, std::vector<std::string>) override { return {}; }
  Result<void> AddProvider(std::string const&, std::string const&, std::string const&) override {
    return {};
  }
  Result<plugin::ServiceAnswer> CallService(plugin::CallInfo const&, std::string_view id,
                                            std::string_view method, std::string_view,
                                            std::span<int const>) override;
  void Subscribe(std::string const&) override {}
  Result<void> Publish(std::string_view, std::string_view) override { return {}; }
  std::uint64_t DefineMetric(std::int32_t, std::string_view, std::string_view,
                             std::string_view) override {
    return 1;
  }
  void RecordMetric(std::uint64_t, double) override {}
  Result<std::string> EnsureProcess(std::string_view, std::string_view, std::span<int const>,
                                    plugin::CallInfo const&) override {
    return std::string(R"({"pid":100000,"started_unix":1,"changed":false})");
  }
  Result<void> StopProcess(std::string_view, plugin::CallInfo const&) override { return {}; }
  Result<std::string> ListProcesses(std::string_view) override { return std::string("[]"); }
  plugin::KernelServices& kernel() override { return store_; }
  [[nodiscard]] std::string_view plugin() const override { return name_; }
  [[nodiscard]] bool HasPermission(std::string_view) const override { return true; }

 private:
  std::string const name_;
  plugin::MemoryKernel& store_;
  Samples const& samples_;
  std::vector<std::string>& types_;
};

}  // namespace trellis::conformance
