// The host behind a plugin in a helper process: every function is a call to the daemon.
#pragma once

#include "kernel/plugin/helper/connection.hpp"
#include "kernel/plugin/host_backend.hpp"

#include <atomic>
#include <map>
#include <string>
#include <vector>

namespace trellis::plugin {

/// Borrows the connection. Safe for use by several threads. Calls block until the daemon answers;
/// when it is gone they fail with kCrashed.
class RemoteBackend final : public HostBackend, private KernelServices {
 public:
  RemoteBackend(Connection& connection, std::string name, std::vector<std::string> permissions)
      : connection_(connection), name_(std::move(name)), permissions_(std::move(permissions)) {}

  void Log(std::int32_t level, std::string_view text, std::string_view fields) override;
  std::int32_t LogLevel() override { return TRL_LOG_DEBUG; }
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
  KernelServices& kernel() override { return *this; }
  [[nodiscard]] std::string_view plugin() const override { return name_; }
  [[nodiscard]] bool HasPermission(std::string_view permission) const override;

  // What trellis.deployment/1 answers inside a call: the daemon knows whether stored or incoming.
  Result<std::string> InfoOf(CallInfo const& call);
  Result<std::string> GetOf(CallInfo const& call, std::string_view name);
  Result<std::string> ByTypeOf(CallInfo const& call, std::span<std::string_view const> types);

 private:
  struct Answer {
    Result<std::string> text;
    std::vector<sys::UniqueFd> fds;
  };
  Answer Ask(Method method, std::string const& body, std::span<int const> fds = {});
  Result<std::string> AskText(Method method, std::string const& body) {
    return Ask(method, body).text;
  }
  Result<void> AskDone(Method method, std::string const& body);
  Result<void> Register(std::string_view what, std::string const& json);

  // trellis.deployment/1, trellis.contract/1, trellis.engine/1, trellis.store/1
  Result<std::string> DeploymentInfo(std::uint32_t twin, std::uint64_t contract) override;
  Result<std::string> Workload(std::uint32_t twin, std::uint64_t contract,
                               std::string_view name) override;
  Result<std::string> WorkloadsByType(std::uint32_t twin, std::uint64_t contract,
                                      std::span<std::string_view const> types) override;
  Result<std::string> Shared(std::uint32_t twin, std::string_view type,
                             std::string_view name) override;
  Result<std::string> Current(std::string_view workload_id) override;
  Result<std::vector<std::pair<std::string, std::string>>> Known() override;
  Result<std::string> Contract(std::uint64_t contract) override;
  Result<std::string> Twin(std::uint32_t twin) override;
  Result<std::string> NameOwner(std::string_view name) override;
  bool NodeRented(std::uint32_t twin) override;
  Result<void> ReportFailed(std::string_view workload_id, std::string_view reason) override;
  Result<void> ReportObserved(std::string_view workload_id, std::int32_t state,
                              std::string_view detail) override;
  Result<std::string> KvGet(std::string_view plugin, std::string_view key) override;
  Result<void> KvPut(std::string_view plugin, std::string_view key,
                     std::string_view value) override;
  Result<void> KvRemove(std::string_view plugin, std::string_view key) override;
  Result<std::vector<std::string>> KvList(std::string_view plugin,
                                          std::string_view prefix) override;

  Connection& connection_;
  std::string const name_;
  std::vector<std::string> const permissions_;
  std::atomic<std::uint64_t> last_metric_ = 0;
};

/// trellis.deployment/1 of one call, in the helper.
class RemoteView final : public DeploymentView {
 public:
  RemoteView(RemoteBackend& backend, CallInfo call) : backend_(backend), call_(std::move(call)) {}
  [[nodiscard]] Result<std::string> Info() const override { return backend_.InfoOf(call_); }
  [[nodiscard]] Result<std::string> Get(std::string_view name) const override {
    return backend_.GetOf(call_, name);
  }
  [[nodiscard]] Result<std::string> ByType(std::span<std::string_view const> types) const override {
    return backend_.ByTypeOf(call_, types);
  }

 private:
  RemoteBackend& backend_;
  CallInfo call_;
};

}  // namespace trellis::plugin
