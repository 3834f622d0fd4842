// What stands behind a plugin's trl_host: the daemon's own objects here, a connection to it in a
// helper process.
#pragma once

#include "kernel/plugin/call.hpp"
#include "kernel/plugin/channel.hpp"
#include "kernel/plugin/kernel_services.hpp"
#include "kernel/plugin/types.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugin {

/// For one plugin. Safe for use by several threads. Texts are repaired and limited by the caller.
class HostBackend {
 public:
  virtual ~HostBackend() = default;

  virtual void Log(std::int32_t level, std::string_view text, std::string_view fields) = 0;
  virtual std::int32_t LogLevel() = 0;
  virtual void Progress(CallInfo const& call, std::uint32_t permille, std::string_view text) = 0;

  // Registrations, only during Create. kExists names the item and both plugins.
  virtual Result<void> AddType(TypeInfo type) = 0;
  virtual Result<void> AddService(std::string const& id) = 0;
  virtual Result<void> AddCommand(CommandInfo command, std::vector<std::string> aliases) = 0;
  virtual Result<void> AddProvider(std::string const& kind, std::string const& name,
                                   std::string const& options) = 0;

  virtual Result<ServiceAnswer> CallService(CallInfo const& call, std::string_view id,
                                            std::string_view method, std::string_view request,
                                            std::span<int const> fds) = 0;

  virtual void Subscribe(std::string const& prefix) = 0;
  virtual Result<void> Publish(std::string_view topic, std::string_view payload) = 0;

  /// 0 = refused.
  virtual std::uint64_t DefineMetric(std::int32_t kind, std::string_view name,
                                     std::string_view help, std::string_view labels) = 0;
  virtual void RecordMetric(std::uint64_t metric, double value) = 0;

  virtual Result<std::string> EnsureProcess(std::string_view name, std::string_view spec,
                                            std::span<int const> fds, CallInfo const& call) = 0;
  virtual Result<void> StopProcess(std::string_view name, CallInfo const& call) = 0;
  virtual Result<std::string> ListProcesses(std::string_view prefix) = 0;

  /// Stored state, ledger, key-value store, engine.
  virtual KernelServices& kernel() = 0;
  [[nodiscard]] virtual std::string_view plugin() const = 0;
  [[nodiscard]] virtual bool HasPermission(std::string_view permission) const = 0;
  /// False: the plugin gets NULL for this extension.
  [[nodiscard]] virtual bool HasExtension(std::string_view) const { return true; }
};

}  // namespace trellis::plugin
