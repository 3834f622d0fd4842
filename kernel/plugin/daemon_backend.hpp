// The host behind one plugin, inside the daemon.
#pragma once

#include "kernel/plugin/broker.hpp"
#include "kernel/plugin/gated_kernel.hpp"
#include "kernel/plugin/host_backend.hpp"
#include "kernel/plugin/log_budget.hpp"
#include "kernel/plugin/metrics.hpp"
#include "kernel/plugin/registry.hpp"
#include "kernel/plugin/supervisor.hpp"

#include <functional>
#include <string>

namespace trellis::plugin {

/// What all plugins share. Borrowed; outlives every channel that is not shut.
struct HostParts {
  Broker& broker;
  Metrics& metrics;
  KernelServices& kernel;
  Supervisor* supervisor;  ///< nullptr: no data processes
  std::function<void(std::string_view topic, std::string_view payload)> publish;
};

class DaemonBackend final : public HostBackend {
 public:
  DaemonBackend(PluginRecord const& record, HostParts const& parts)
      : name_(record.name),
        tail_(record.tail),
        record_(record),
        parts_(parts),
        kernel_(parts.kernel, [this](std::string_view permission) { return Need(permission); }) {}

  void Log(std::int32_t level, std::string_view text, std::string_view fields) override;
  std::int32_t LogLevel() override;
  void Progress(CallInfo const& call, std::uint32_t permille, std::string_view text) override;
  Result<void> AddType(TypeInfo type) override;
  Result<void> AddService(std::string const& id) override;
  Result<void> AddCommand(CommandInfo command, std::vector<std::string> aliases) override;
  Result<void> AddProvider(std::string const& kind, std::string const& name,
                           std::string const& options) override;
  Result<ServiceAnswer> CallService(CallInfo const& call, std::string_view id,
                                    std::string_view method, std::string_view request,
                                    std::span<int const> fds) override;
  void Subscribe(std::string const& prefix) override;
  Result<void> Publish(std::string_view topic, std::string_view payload) override;
  std::uint64_t DefineMetric(std::int32_t kind, std::string_view name, std::string_view help,
                             std::string_view labels) override;
  void RecordMetric(std::uint64_t metric, double value) override;
  Result<std::string> EnsureProcess(std::string_view name, std::string_view spec,
                                    std::span<int const> fds, CallInfo const& call) override;
  Result<void> StopProcess(std::string_view name, CallInfo const& call) override;
  Result<std::string> ListProcesses(std::string_view prefix) override;
  KernelServices& kernel() override { return kernel_; }
  [[nodiscard]] std::string_view plugin() const override { return name_; }
  [[nodiscard]] bool HasPermission(std::string_view permission) const override;

 private:
  /// kDenied unless it has it.
  [[nodiscard]] Result<void> Need(std::string_view permission) const;

  std::string const name_;  // also readable when the record is gone, as is the next
  std::shared_ptr<LogTail> const tail_;
  LogBudget budget_;
  PluginRecord const& record_;
  HostParts const& parts_;
  GatedKernel kernel_;
};

}  // namespace trellis::plugin
